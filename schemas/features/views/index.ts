import type { EventContract } from '../../events/contract.ts';
import { engagement } from '../../events/engagement.ts';
import { follow } from '../../events/follow.ts';
import { poolDecision } from '../../events/pool-decision.ts';
import { videoPublished } from '../../events/video-published.ts';
import { videoRemoved } from '../../events/video-removed.ts';
import type { AnyView } from '../view.ts';
import { engagementViews } from './engagement.ts';
import { decisionViews } from './exposure.ts';
import { socialViews } from './social.ts';
import { publishedViews, removedViews } from './videos.ts';

/** Every view of the platform. A delta names a view by its place here, so the order is part of the protocol of one release. */
export const allViews: readonly AnyView[] = [...engagementViews, ...publishedViews, ...removedViews, ...socialViews, ...decisionViews];

/** Which events feed which views online, and the consumer group that does it. */
export interface OnlineFeed {
  readonly contract: EventContract;
  readonly group: string;
  readonly views: readonly AnyView[];
}
export const engagementFeed = { contract: engagement, group: 'engagement-online', views: engagementViews };
export const publishedFeed = { contract: videoPublished, group: 'videos-published-online', views: publishedViews };
export const removedFeed = { contract: videoRemoved, group: 'videos-removed-online', views: removedViews };
export const followFeed = { contract: follow, group: 'follow-online', views: socialViews };
export const decisionFeed = { contract: poolDecision, group: 'pool-decisions-online', views: decisionViews };
export const onlineFeeds: readonly OnlineFeed[] = [engagementFeed, publishedFeed, removedFeed, followFeed, decisionFeed];
