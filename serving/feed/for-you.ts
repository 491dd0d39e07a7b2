import type { Pipeline } from '../engine/pipeline.ts';
import { preRank, rank } from '../ranking/rank.ts';
import type { FeedCandidates } from './candidates.ts';
import { chosen } from './chosen.ts';
import { countTrials } from './effects/count-trials.ts';
import { logServed } from './effects/log-served.ts';
import { prewarmEdge } from './effects/prewarm-edge.ts';
import { notOwn } from './filters/not-own.ts';
import { notReportedByMe } from './filters/not-reported-by-me.ts';
import { notSeen } from './filters/not-seen.ts';
import { allowedInRegion, approved, rightAge } from './filters/policy.ts';
import { stillVisible } from './filters/still-visible.ts';
import { cards } from './hydrators/cards.ts';
import { creatorFeatures } from './hydrators/creator-features.ts';
import { seen } from './hydrators/seen.ts';
import { taste } from './hydrators/taste.ts';
import { videoFeatures } from './hydrators/video-features.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from './query.ts';
import { creatorDiversity } from './selectors/creator-diversity.ts';
import { first } from './selectors/first.ts';
import { newCreators } from './selectors/new-creators.ts';
import { slots } from './selectors/slots.ts';
import { startersFirst } from './selectors/starters.ts';
import { variety } from './selectors/variety.ts';
import { explore } from './sources/explore.ts';
import { exposurePool } from './sources/exposure-pool.ts';
import { followedCreators } from './sources/followed-creators.ts';
import { fresh } from './sources/fresh.ts';
import { liveBroadcasts } from './sources/live-now.ts';
import { similarContent } from './sources/similar-content.ts';
import { similarTaste } from './sources/similar-taste.ts';
import { similarToRecent } from './sources/similar-to-recent.ts';
import { topicAffinity } from './sources/topic-affinity.ts';
import { trendingInRegion } from './sources/trending-in-region.ts';

/** The For You feed: one screen of lists. Its sources stand in the order of `sourceOrder`. */
export const forYou = (services: FeedServices): Pipeline<FeedQuery, FeedCandidates, FeedCandidate> => ({
  name: 'for-you',
  sources: [
    trendingInRegion(services),
    followedCreators(services),
    topicAffinity(services),
    fresh(services),
    similarTaste(services),
    similarToRecent,
    similarContent(services),
    exposurePool(services),
    explore,
    liveBroadcasts(services),
  ],
  candidates: ({ candidates }) => candidates,
  turn: ({ turn }) => turn(),
  lookUp: [cards(services)],
  hydrate: [seen, videoFeatures(services), taste],
  filter: [stillVisible, notSeen, notReportedByMe, notOwn, rightAge, allowedInRegion, approved],
  narrow: preRank(services.telemetry),
  chosen,
  enrich: [creatorFeatures(services)],
  score: rank(services.telemetry),
  select: [variety, newCreators, creatorDiversity, startersFirst, slots, first],
  effects: [logServed(services), prewarmEdge(services), countTrials(services)],
});
