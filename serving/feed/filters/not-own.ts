import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** Made by somebody else. */
export const notOwn: Filter<FeedQuery, FeedCandidate> = { name: 'not-own', keep: (query, candidate) => candidate.card?.creatorId !== query.userId };
