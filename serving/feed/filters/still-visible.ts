import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** Published, and not removed since. */
export const stillVisible: Filter<FeedQuery, FeedCandidate> = { name: 'still-visible', keep: (_query, candidate) => candidate.card !== null };
