import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights as w } from '#schemas/config/signal-weights.ts';
import { heuristicWorth } from '#schemas/features/heuristic.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { mixed } from './noise.ts';

export const heuristicScorer = `heuristic@${h.version}+weights@${w.version}`;

/** Answers without a model. */
export const heuristicScore = ({ seed }: FeedQuery, { features, hash }: Pick<FeedCandidate, 'features' | 'hash'>): number =>
  heuristicWorth(features) + jitter(seed, hash);

/** What decides between equals in a session. */
export const jitter = (seed: number, hash: number): number => h.jitter * mixed(seed, hash);
