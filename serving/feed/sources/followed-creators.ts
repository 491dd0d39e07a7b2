import { creatorVideos } from '#schemas/features/views/videos.ts';
import { concatenated } from '../../engine/lists.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

const maxCreators = 50;

/** The newest videos of creators that the viewer follows, pulled at read time. */
export const followedCreators = ({ lists }: FeedServices): Source<FeedQuery> => ({
  name: 'followed-creators',
  budgetMs: 60,
  async find({ viewer, depth, videos }) {
    const creators = [...viewer.follows].slice(0, maxCreators);
    const found = await lists.keys(creators.map((entity) => ({ view: creatorVideos, entity, limit: 10 * depth })));
    return concatenated(found.map((ids) => videos.numbersOfShared(ids)));
  },
});
