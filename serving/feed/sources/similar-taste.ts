import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery } from '../query.ts';

/** Videos near the viewer's vector, which is folded in from his last answers. Offers nothing while no index is loaded. */
export const similarTaste: Source<FeedQuery> = {
  name: 'similar-taste',
  budgetMs: 60,
  async find({ retrieval, taste, depth }) {
    if (!retrieval || !taste) return [];
    const { index, ids } = retrieval.value;
    const { labels } = index.search(taste, Math.min(index.count, 200 * depth));
    return Array.from(labels, (label) => ids[label] as string);
  },
};
