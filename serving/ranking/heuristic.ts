import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights as w } from '#schemas/config/signal-weights.ts';
import { rankingFeature } from '#schemas/features/ranking.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';

export const heuristicScorer = `heuristic@${h.version}+weights@${w.version}`;

/** Signals with the shares that say how a video does in them. */
const rates = [
  [w.complete, rankingFeature('video.completesRate_d1')],
  [w.watchFraction, rankingFeature('video.watchFractionRate_d1')],
  [w.earlySkip, rankingFeature('video.earlySkipsRate_d1')],
  [w.like, rankingFeature('video.likesRate_d1')],
  [w.replay, rankingFeature('video.replaysRate_d14')],
  [w.share, rankingFeature('video.sharesRate_d14')],
  [w.comment, rankingFeature('video.commentsRate_d14')],
  [w.follow, rankingFeature('video.followsRate_d14')],
  [w.report, rankingFeature('video.reportsRate_d14')],
  [w.notInterested, rankingFeature('video.notInterestedRate_d14')],
] as const;
const feature = {
  affinity: rankingFeature('topicAffinity'),
  avoidance: rankingFeature('topicAvoidance'),
  creator: rankingFeature('creatorAffinity'),
  followed: rankingFeature('followed'),
  ageHours: rankingFeature('ageHours'),
  sources: rankingFeature('sources'),
} as const;

/** Answers without a model: how the video does, how near it is to the viewer, how new it is. */
export function heuristicScore(query: FeedQuery, c: FeedCandidate): number {
  const value = (at: number): number => c.features[at] as number;
  let score = 0;
  for (const [weight, rate] of rates) score += weight * value(rate);
  return (
    score +
    h.topicAffinity * Math.log1p(value(feature.affinity)) +
    h.topicAvoidance * Math.log1p(value(feature.avoidance)) +
    h.creatorAffinity * Math.log1p(value(feature.creator)) +
    h.followed * value(feature.followed) +
    h.fresh * 2 ** (-value(feature.ageHours) / h.freshHalfLifeHours) +
    h.agreement * (value(feature.sources) - 1) +
    h.jitter * noise(query.seed, c.id)
  );
}

/** Uniform in [0, 1), the same for the same session and video (FNV-1a with a final mix). */
export function noise(seed: number, id: string): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
