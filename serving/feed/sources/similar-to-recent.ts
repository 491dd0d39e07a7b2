import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** So many of the videos that the viewer answered best, and so many neighbours of each. */
const seeds = 5;
const neighbours = 40;

/** Videos near those that the viewer has answered well lately, one by one: the second step of a new viewer. */
export const similarToRecent = ({ catalogue }: FeedServices): Source<FeedQuery> => ({
  name: 'similar-to-recent',
  budgetMs: 60,
  async find({ retrieval, viewer, depth }) {
    if (!retrieval || viewer.step === 'newcomer') return [];
    const { index, ids, items, places } = retrieval.value;
    const from = [...viewer.videos.keys()].flatMap((id) => places.get(id) ?? []).slice(0, seeds);
    const queries = new Float32Array(from.length * index.dims);
    from.forEach((place, i) => {
      queries.set(items.subarray(place * index.dims, (place + 1) * index.dims), i * index.dims);
    });
    const found = await index.search(queries, Math.min(index.count, neighbours * depth));
    return found.flatMap(({ labels }) => Array.from(labels, (label) => ids[label] as string)).filter((id) => !catalogue.isGone(id));
  },
});
