import type { EventContract } from '../../events/contract.ts';
import { engagement } from '../../events/engagement.ts';
import { follow } from '../../events/follow.ts';
import { poolDecision } from '../../events/pool-decision.ts';
import { videoProgress } from '../../events/video-progress.ts';
import { videoPublished } from '../../events/video-published.ts';
import { videoRejected } from '../../events/video-rejected.ts';
import { videoRemoved } from '../../events/video-removed.ts';
import { videoUploaded } from '../../events/video-uploaded.ts';
import type { AnyView } from '../view.ts';
import { engagementViews } from './engagement.ts';
import { decisionViews } from './exposure.ts';
import { socialViews } from './social.ts';
import { videoState, videoStateProgress, videoStateRejected } from './uploads.ts';
import { publishedViews, removedViews } from './videos.ts';

const uploadViews = [videoState, videoStateProgress, videoStateRejected] as const;

/** Every view of the platform. A delta names a view by its place here, so the order is part of the protocol of one release. */
export const allViews: readonly AnyView[] = [...engagementViews, ...publishedViews, ...removedViews, ...socialViews, ...decisionViews, ...uploadViews];

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
export const uploadedFeed = { contract: videoUploaded, group: 'videos-uploaded-online', views: [videoState] };
export const progressFeed = { contract: videoProgress, group: 'videos-progressed-online', views: [videoStateProgress] };
export const rejectedFeed = { contract: videoRejected, group: 'videos-rejected-online', views: [videoStateRejected] };
export const onlineFeeds: readonly OnlineFeed[] = [
  engagementFeed,
  uploadedFeed,
  progressFeed,
  publishedFeed,
  rejectedFeed,
  removedFeed,
  followFeed,
  decisionFeed,
];
