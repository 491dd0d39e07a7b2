import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** So many of the videos that the viewer answered best, and so many neighbours of each. */
const seeds = 5;
const neighbours = 30;
const newNeighbours = 10;

/** Videos that look and sound like those that the viewer has answered well lately: nobody needs to have answered them yet. */
export const similarContent = ({ catalogue, looks }: FeedServices): Source<FeedQuery> => ({
  name: 'similar-content',
  budgetMs: 60,
  async find({ content, viewer, depth }) {
    if (!content || viewer.step === 'newcomer') return [];
    const { index, ids } = content.value;
    const from = [...viewer.videos.keys()].flatMap((id) => looks.vector(content, id) ?? []).slice(0, seeds);
    if (from.length === 0) return [];
    const queries = new Float32Array(from.length * index.dims);
    from.forEach((vector, i) => {
      queries.set(vector, i * index.dims);
    });
    const found = await index.search(queries, Math.min(index.count, neighbours * depth));
    const standing = found.flatMap(({ labels }) => Array.from(labels, (label) => ids[label] as string)).filter((id) => !catalogue.isGone(id));
    return [...standing, ...from.flatMap((vector) => looks.near(content, vector, newNeighbours * depth))];
  },
});
