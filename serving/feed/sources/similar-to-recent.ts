import { concatenated } from '../../engine/lists.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery } from '../query.ts';

/** So many of the videos that the viewer answered best, and so many neighbours of each. */
const seeds = 5;
const nearest = 40;

/** Videos near those that the viewer has answered well lately, one by one: the second step of a new viewer. */
export const similarToRecent: Source<FeedQuery> = {
  name: 'similar-to-recent',
  budgetMs: 60,
  async find({ retrieval, viewer, depth, videos }) {
    if (!retrieval || viewer.step === 'newcomer') return [];
    const { index, neighbours, items, places } = retrieval.value;
    const from = [...viewer.videos.keys()].filter((id) => places.has(id)).slice(0, seeds);
    const vectorOf = (id: string) => items.subarray((places.get(id) as number) * index.dims, ((places.get(id) as number) + 1) * index.dims);
    const found = await neighbours.of(
      from.map((id) => ({ id, vector: vectorOf(id) })),
      nearest * depth,
    );
    return videos.standing(retrieval.value, concatenated(found));
  },
};
