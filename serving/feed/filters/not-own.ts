import { fact, factWidth } from '../../catalogue/video-table.ts';
import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** Made by somebody else. */
export const notOwn: Filter<FeedQuery, FeedCandidates> = {
  name: 'not-own',
  keep: (_query, { facts, viewer }, at) => facts[at * factWidth + fact.creator] !== viewer.self,
};
