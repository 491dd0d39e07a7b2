import type { Pipeline } from '../engine/pipeline.ts';
import { logServed } from './effects/log-served.ts';
import { featureNames } from './features.ts';
import { notOwn } from './filters/not-own.ts';
import { notReportedByMe } from './filters/not-reported-by-me.ts';
import { notSeen } from './filters/not-seen.ts';
import { stillVisible } from './filters/still-visible.ts';
import { heuristicScorer } from './heuristic-scorer.ts';
import { cards } from './hydrators/cards.ts';
import { seen } from './hydrators/seen.ts';
import { videoFeatures } from './hydrators/video-features.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from './query.ts';
import { creatorDiversity } from './selectors/creator-diversity.ts';
import { first } from './selectors/first.ts';
import { followedCreators } from './sources/followed-creators.ts';
import { fresh } from './sources/fresh.ts';
import { topicAffinity } from './sources/topic-affinity.ts';
import { trendingInRegion } from './sources/trending-in-region.ts';

/** The For You feed: one screen of lists. */
export const forYou = (services: FeedServices): Pipeline<FeedQuery, FeedCandidate> => ({
  name: 'for-you',
  sources: [trendingInRegion(services), followedCreators(services), topicAffinity(services), fresh(services)],
  candidate: (id) => ({ id, sources: [], score: 0, card: null, seenAt: null, features: new Float64Array(featureNames.length), reason: '' }),
  hydrate: [cards(services), seen(services), videoFeatures(services)],
  filter: [stillVisible, notSeen, notReportedByMe, notOwn],
  score: heuristicScorer,
  select: [creatorDiversity, first],
  effects: [logServed(services)],
});
