import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** Not served in this session, and never watched, unless all has been watched. */
export const notSeen: Filter<FeedQuery, FeedCandidate> = {
  name: 'not-seen',
  keep: (query, candidate) => !query.served.has(candidate.id) && (query.allowSeen || candidate.seenAt === null),
};
