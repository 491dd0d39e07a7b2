import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** Not reported and not declined by this viewer. */
export const notReportedByMe: Filter<FeedQuery, FeedCandidates> = {
  name: 'not-reported-by-me',
  keep: (_query, { items, viewer }, at) => !viewer.reported.has(items[at] as number),
};
