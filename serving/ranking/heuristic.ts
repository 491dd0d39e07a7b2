import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights as w } from '#schemas/config/signal-weights.ts';
import { heuristicWorth } from '#schemas/features/heuristic.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { mixed, noise } from './noise.ts';

export const heuristicScorer = `heuristic@${h.version}+weights@${w.version}`;

/** Answers without a model. */
export const heuristicScore = (query: FeedQuery, c: FeedCandidate): number => heuristicWorth(c.features) + jitter(query, c);

/** What decides between equals in a session. */
export const jitter = ({ seed }: FeedQuery, { video, id }: FeedCandidate): number => h.jitter * (video ? mixed(seed, video.hash) : noise(seed, id));
