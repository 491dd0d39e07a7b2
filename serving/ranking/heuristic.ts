import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights as w } from '#schemas/config/signal-weights.ts';
import { heuristicWorth } from '#schemas/features/heuristic.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { jitter } from './noise.ts';

export const heuristicScorer = `heuristic@${h.version}+weights@${w.version}`;

/** Answers without a model. */
export const heuristicScore = ({ seed }: FeedQuery, { features, hash }: Pick<FeedCandidate, 'features' | 'hash'>): number =>
  heuristicWorth(features) + jitter(seed, hash);
