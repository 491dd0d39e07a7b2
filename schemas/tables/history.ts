import { cdnTier } from '../events/cdn-tier.ts';
import { copyFound } from '../events/copy-found.ts';
import { engagement } from '../events/engagement.ts';
import { feedServed } from '../events/feed-served.ts';
import { follow } from '../events/follow.ts';
import { moderationDecided } from '../events/moderation-decided.ts';
import { poolDecision } from '../events/pool-decision.ts';
import { soundMatched } from '../events/sound-matched.ts';
import { videoAppealed } from '../events/video-appealed.ts';
import { videoErased } from '../events/video-erased.ts';
import { videoProgress } from '../events/video-progress.ts';
import { videoPublished } from '../events/video-published.ts';
import { videoRejected } from '../events/video-rejected.ts';
import { videoRemoved } from '../events/video-removed.ts';
import { videoUploaded } from '../events/video-uploaded.ts';
import type { HistoryTable } from './table.ts';

export const engagements: HistoryTable = {
  name: 'engagements',
  contract: engagement,
  group: 'engagement-history',
  orderBy: 'user_id, occurred_at',
  rollups: [
    {
      // `events` keeps hours without a watch: SummingMergeTree drops rows whose sums are all zero.
      name: 'video_hours',
      columns: 'video_id String, hour DateTime, events UInt64, watches UInt64, watched_ms Int64, likes UInt64, shares UInt64, skips UInt64',
      orderBy: 'video_id, hour',
      select:
        "SELECT video_id, toStartOfHour(occurred_at) AS hour, count() AS events, countIf(kind = 'watch') AS watches, sum(toInt64(engagements.watched_ms)) AS watched_ms, countIf(kind = 'like') AS likes, countIf(kind = 'share') AS shares, countIf(kind = 'watch' AND engagements.watched_ms < 2000) AS skips FROM engagements GROUP BY video_id, hour",
      read: 'SELECT video_id, hour, sum(events) AS events, sum(watches) AS watches, sum(watched_ms) AS watched_ms, sum(likes) AS likes, sum(shares) AS shares, sum(skips) AS skips FROM video_hours GROUP BY video_id, hour',
    },
  ],
};

const plain = (name: string, group: string, contract: HistoryTable['contract'], orderBy: string): HistoryTable => ({
  name,
  contract,
  group,
  orderBy,
  rollups: [],
});

export const videosUploaded = plain('videos_uploaded', 'videos-uploaded-history', videoUploaded, 'video_id, occurred_at');
export const videosPublished = plain('videos_published', 'videos-published-history', videoPublished, 'video_id, occurred_at');
export const videosProgressed = plain('videos_progressed', 'videos-progressed-history', videoProgress, 'video_id, occurred_at');
export const videosRejected = plain('videos_rejected', 'videos-rejected-history', videoRejected, 'video_id, occurred_at');
export const videosRemoved = plain('videos_removed', 'videos-removed-history', videoRemoved, 'video_id, occurred_at');
export const follows = plain('follows', 'follow-history', follow, 'user_id, occurred_at');
export const feedItemsServed = plain('feed_items_served', 'feed-served-history', feedServed, 'user_id, occurred_at');

/** The audit of moderation, and what creators say against it. */
export const moderationDecisions = plain('moderation_decisions', 'moderation-decisions-history', moderationDecided, 'video_id, occurred_at');
export const videoAppeals = plain('video_appeals', 'video-appeals-history', videoAppealed, 'video_id, occurred_at');

export const soundMatches = plain('sound_matches', 'sound-matches-history', soundMatched, 'video_id, occurred_at');

export const copiesFound = plain('copies_found', 'copies-found-history', copyFound, 'video_id, occurred_at');

/** Proofs of deletions. */
export const videosErased = plain('videos_erased', 'videos-erased-history', videoErased, 'video_id, occurred_at');

/** The audit of exposure pools. */
export const poolDecisions = plain('pool_decisions', 'pool-decisions-history', poolDecision, 'video_id, occurred_at');

/** What was foretold of new videos. */
export const cdnTiers = plain('cdn_tiers', 'cdn-tiers-history', cdnTier, 'video_id, occurred_at');

export const historyTables: readonly HistoryTable[] = [
  engagements,
  videosUploaded,
  videosProgressed,
  videosPublished,
  videosRejected,
  videosRemoved,
  follows,
  feedItemsServed,
  moderationDecisions,
  videoAppeals,
  videosErased,
  soundMatches,
  copiesFound,
  poolDecisions,
  cdnTiers,
];
