import { regionTrending, worldTrending } from '#schemas/features/views/engagement.ts';
import { concatenated } from '../../engine/lists.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** What the viewer's region answers well now, topped up with what the world does. */
export const trendingInRegion = ({ lists }: FeedServices): Source<FeedQuery> => ({
  name: 'trending-in-region',
  budgetMs: 60,
  async find({ region, depth, videos }) {
    const found = await lists.trending([
      { view: regionTrending, entity: region, limit: 200 * depth },
      { view: worldTrending, entity: 'world', limit: 150 * depth },
    ]);
    return concatenated(found.map((ids) => videos.numbersOfShared(ids)));
  },
});
