import { concatenated } from '../../engine/lists.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

const fromIndex = 300;
const fromDelta = 50;

/**
 * Videos near the viewer's vector, which is folded in from his last answers: from the index, from what was
 * published since it was built, and without what was removed since.
 */
export const similarTaste = ({ delta }: FeedServices): Source<FeedQuery> => ({
  name: 'similar-taste',
  budgetMs: 60,
  async find({ retrieval, taste, viewer, depth, videos }) {
    if (!retrieval || !taste || viewer.step !== 'vector') return [];
    const { index } = retrieval.value;
    const [hits] = await index.search(taste, Math.min(index.count, fromIndex * depth));
    const near = videos.standing(retrieval.value, hits?.labels ?? []);
    return concatenated([near, videos.numbers(delta.near(retrieval, taste, fromDelta * depth))]);
  },
});
