import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** Metadata of every candidate; null for a removed or unknown one. */
export const cards = ({ catalogue }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'cards',
  async hydrate(_query, candidates) {
    const found = await catalogue.cards(candidates.map((c) => c.id));
    candidates.forEach((c, i) => {
      c.card = found[i] ?? null;
    });
  },
});
