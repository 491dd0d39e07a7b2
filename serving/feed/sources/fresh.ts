import { freshVideos } from '#schemas/features/views/videos.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** The newest videos: how a video gets its first viewers, and where the feed explores. */
export const fresh = ({ lists }: FeedServices): Source<FeedQuery> => ({
  name: 'fresh',
  budgetMs: 60,
  async find({ depth, videos }) {
    const [newest] = await lists.keys([{ view: freshVideos, entity: 'world', limit: 150 * depth }]);
    return newest ? videos.numbersOfShared(newest) : [];
  },
});
