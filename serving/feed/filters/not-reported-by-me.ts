import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** Not reported and not declined by this viewer. */
export const notReportedByMe: Filter<FeedQuery, FeedCandidate> = {
  name: 'not-reported-by-me',
  keep: (query, candidate) => !query.viewer.reported.has(candidate.id),
};
