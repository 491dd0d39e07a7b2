import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery } from '../query.ts';
import { lots } from './lots.ts';

/** Few, for each of them comes before the ranker: a slot draws from all of them. */
const drawn = 10;

/** Videos drawn at random from the index: what no other source would ever offer. */
export const explore: Source<FeedQuery> = {
  name: 'explore',
  budgetMs: 60,
  async find({ retrieval, seed, position, depth, videos }) {
    const count = retrieval?.value.ids.length ?? 0;
    if (!retrieval || count === 0) return [];
    const numbers = videos.ofLabels(retrieval.value);
    const next = lots(seed, position);
    return Array.from({ length: drawn * depth }, () => numbers.get(next() % count));
  },
};
