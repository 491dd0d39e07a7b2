import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** Not served in this session, and never watched, unless all has been watched. */
export const notSeen: Filter<FeedQuery, FeedCandidates> = {
  name: 'not-seen',
  keep: ({ allowSeen }, { items, seen, viewer }, at) => !viewer.served.has(items[at] as number) && (allowSeen || seen[at] === 0),
};
