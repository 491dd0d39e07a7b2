import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** What the catalogue knows of every candidate; its card is null for a removed or unknown one. */
export const cards = ({ catalogue }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'cards',
  async hydrate(_query, candidates) {
    const found = await catalogue.videos(candidates.map((c) => c.id));
    for (let i = 0; i < candidates.length; i++) {
      const c = candidates[i] as FeedCandidate;
      c.video = found[i] ?? null;
      c.card = c.video?.card ?? null;
    }
  },
});
