import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights as w } from '#schemas/config/signal-weights.ts';
import { rankingFeature } from '#schemas/features/ranking.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { mixed, noise } from './noise.ts';

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
    jitter(query, c)
  );
}

/** What decides between equals in a session. */
export const jitter = ({ seed }: FeedQuery, { video, id }: FeedCandidate): number => h.jitter * (video ? mixed(seed, video.hash) : noise(seed, id));
