import { concatenated } from '../../engine/lists.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** So many of the videos that the viewer answered best, and so many neighbours of each. */
const seeds = 5;
const nearest = 30;
const nearestNew = 10;

/** Videos that look and sound like those that the viewer has answered well lately: nobody needs to have answered them yet. */
export const similarContent = ({ looks }: FeedServices): Source<FeedQuery> => ({
  name: 'similar-content',
  budgetMs: 60,
  async find({ content, viewer, depth, videos }) {
    if (!content || viewer.step === 'newcomer') return [];
    const { neighbours } = content.value;
    const from = [...viewer.videos.keys()]
      .flatMap((id) => {
        const vector = looks.vector(content, id);
        return vector ? [{ id, vector }] : [];
      })
      .slice(0, seeds);
    const found = await neighbours.of(from, nearest * depth);
    const beside = from.flatMap(({ vector }) => looks.near(content, vector, nearestNew * depth));
    return concatenated([videos.standing(content.value, concatenated(found)), videos.numbers(beside)]);
  },
});
