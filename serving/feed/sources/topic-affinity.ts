import { topicTrending } from '#schemas/features/views/engagement.ts';
import { topicVideos } from '#schemas/features/views/videos.ts';
import { concatenated } from '../../engine/lists.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

const maxTopics = 8;

/** What does well, and what is new, in the topics that the viewer answers well. */
export const topicAffinity = ({ lists }: FeedServices): Source<FeedQuery> => ({
  name: 'topic-affinity',
  budgetMs: 60,
  async find({ viewer, depth, videos }) {
    if (viewer.step === 'newcomer') return [];
    const liked = [...viewer.topics].filter(([topic, value]) => value > (viewer.topicsAvoided.get(topic) ?? 0)).slice(0, maxTopics);
    const [well, fresh] = await Promise.all([
      lists.trending(liked.map(([entity]) => ({ view: topicTrending, entity, limit: 40 * depth }))),
      lists.keys(liked.map(([entity]) => ({ view: topicVideos, entity, limit: 20 * depth }))),
    ]);
    return concatenated(well.flatMap((ids, i) => [ids, fresh[i] ?? []]).map((ids) => videos.numbersOfShared(ids)));
  },
});
