import { concatenated } from '../../engine/lists.ts';
import type { Source } from '../../engine/pipeline.ts';
import { nearestToTaste } from '../../retrieval/taste.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

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
    const { vector, hits } = await taste.located;
    const [deeper] = depth > 1 ? await index.search(vector, Math.min(index.count, nearestToTaste * depth)) : [];
    const near = videos.standing(retrieval.value, (deeper ?? hits).labels);
    return concatenated([near, videos.numbers(delta.near(retrieval, vector, fromDelta * depth))]);
  },
});
