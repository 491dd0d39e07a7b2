import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights as w } from '#schemas/config/signal-weights.ts';
import type { Scorer } from '../engine/pipeline.ts';
import { fillViewerFeatures, videoFeature } from './features.ts';
import type { FeedCandidate, FeedQuery } from './query.ts';

export const scorerName = `heuristic@${h.version}+weights@${w.version}`;

/** Signals with the columns that count them and the columns of the watches they are a share of. */
const rates = [
  [w.complete, h.priorRates.completes, videoFeature('completes_d1'), videoFeature('watches_d1')],
  [w.watchFraction, h.priorRates.watchFraction, videoFeature('watchFraction_d1'), videoFeature('watches_d1')],
  [w.earlySkip, h.priorRates.earlySkips, videoFeature('earlySkips_d1'), videoFeature('watches_d1')],
  [w.like, h.priorRates.likes, videoFeature('likes_d1'), videoFeature('watches_d1')],
  [w.replay, h.priorRates.replays, videoFeature('replays_d14'), videoFeature('watches_all')],
  [w.share, h.priorRates.shares, videoFeature('shares_d14'), videoFeature('watches_all')],
  [w.comment, h.priorRates.comments, videoFeature('comments_d14'), videoFeature('watches_all')],
  [w.follow, h.priorRates.follows, videoFeature('follows_d14'), videoFeature('watches_all')],
  [w.report, h.priorRates.reports, videoFeature('reports_d14'), videoFeature('watches_all')],
  [w.notInterested, h.priorRates.notInterested, videoFeature('notInterested_d14'), videoFeature('watches_all')],
] as const;

/** Expected worth of an average viewer's answer: smoothed rates times signal weights. */
function expectedValue(features: Float64Array): number {
  let value = 0;
  for (const [weight, prior, column, watches] of rates) {
    const rate = ((features[column] as number) + prior * h.priorWatches) / (Math.max(0, features[watches] as number) + h.priorWatches);
    value += weight * rate;
  }
  return value;
}

/** Answers without a model: how the video does, how near it is to the viewer, how new it is. */
export const heuristicScorer: Scorer<FeedQuery, FeedCandidate> = {
  name: scorerName,
  score(query, candidates) {
    for (const c of candidates) {
      fillViewerFeatures(query, c);
      const [affinity, avoidance, creator, followed, ageHours, sources] = c.features as unknown as [number, number, number, number, number, number];
      c.score =
        expectedValue(c.features) +
        h.topicAffinity * Math.log1p(affinity) +
        h.topicAvoidance * Math.log1p(avoidance) +
        h.creatorAffinity * Math.log1p(creator) +
        h.followed * followed +
        h.fresh * 2 ** (-ageHours / h.freshHalfLifeHours) +
        h.agreement * (sources - 1) +
        h.jitter * noise(query.seed, c.id);
    }
  },
};

/** Uniform in [0, 1), the same for the same session and video (FNV-1a with a final mix). */
export function noise(seed: number, id: string): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
