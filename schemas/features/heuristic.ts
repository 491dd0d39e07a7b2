import { heuristic as h } from '../config/heuristic.ts';
import { signalWeights as w } from '../config/signal-weights.ts';
import { rankingFeature } from './ranking.ts';

/**
 * What showing a candidate is worth by its row alone, and how a learnt ranker is mixed with that: the score by which
 * serving orders, and by which training says whether a new ranker may serve.
 */

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

/** A new video's bonus. */
const freshness = (row: Float32Array, offset: number): number => h.fresh * 2 ** (-(row[offset + feature.ageHours] as number) / h.freshHalfLifeHours);

/** Answers without a model: how the video does, how near it is to the viewer, how new it is. The row begins at `offset`. */
export function heuristicWorth(row: Float32Array, offset = 0): number {
  const value = (at: number): number => row[offset + at] as number;
  let score = 0;
  for (const [weight, rate] of rates) score += weight * value(rate);
  return (
    score +
    h.topicAffinity * Math.log1p(value(feature.affinity)) +
    h.topicAvoidance * Math.log1p(value(feature.avoidance)) +
    h.creatorAffinity * Math.log1p(value(feature.creator)) +
    h.followed * value(feature.followed) +
    freshness(row, offset) +
    h.agreement * (value(feature.sources) - 1)
  );
}

/** A ranker trusted this far needs no heuristic beside it. */
const almost = 0.99;

/** How far a ranker is trusted that learnt from so many impressions, 0 to 1: the rest is the heuristic's. */
export const trust = (impressions: number): number => impressions / (impressions + h.asImpressions);

/** What a ranker trusted so far says of a row, `learnt`, beside the heuristic, with a little room for the new. */
export function mixedWorth(learnt: number, row: Float32Array, trusted: number, offset = 0): number {
  const own = learnt + freshness(row, offset);
  return trusted > almost ? own : trusted * own + (1 - trusted) * heuristicWorth(row, offset);
}
