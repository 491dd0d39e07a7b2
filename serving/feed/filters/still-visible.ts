import { fact, factWidth, flag } from '../../catalogue/video-table.ts';
import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** Published, and not removed since. */
export const stillVisible: Filter<FeedQuery, FeedCandidates> = {
  name: 'still-visible',
  keep: (_query, { facts }, at) => ((facts[at * factWidth + fact.flags] as number) & flag.visible) !== 0,
};
