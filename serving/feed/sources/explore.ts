import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery } from '../query.ts';

/** Few, for each of them comes before the ranker: a slot draws from all of them. */
const drawn = 10;

/** Videos drawn at random from the index: what no other source would ever offer. */
export const explore: Source<FeedQuery> = {
  name: 'explore',
  budgetMs: 60,
  async find({ retrieval, seed, position, depth }) {
    const ids = retrieval?.value.ids ?? [];
    if (ids.length === 0) return [];
    let state = (seed ^ Math.imul(position + 1, 0x9e3779b1)) >>> 0;
    return Array.from({ length: drawn * depth }, () => {
      // xorshift32 (Marsaglia, 2003), so that a page that is asked for twice is the same.
      state ^= state << 13;
      state ^= state >>> 17;
      state = (state ^ (state << 5)) >>> 0;
      return ids[state % ids.length] as string;
    });
  },
};
