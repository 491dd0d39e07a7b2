import { fillCreator } from '#schemas/features/ranking.ts';
import { creatorView } from '#schemas/features/views/engagement.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** What all videos of a creator do together moves slowly: a value may be this old. */
const freshMs = 1_000;
const most = 50_000;

/** The online features of every candidate's creator. Creators are few beside candidates, and kept for a second. */
export const creatorFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => {
  const known = new Map<string, { readonly value: Buffer | null; readonly atMs: number }>();
  return {
    name: 'creator-features',
    async hydrate({ nowMs }, candidates) {
      if (known.size > most) known.clear();
      const wanted = new Set<string>();
      for (const { card } of candidates) if (card && !(nowMs - (known.get(card.creatorId)?.atMs ?? 0) < freshMs)) wanted.add(card.creatorId);
      if (wanted.size > 0) {
        const ids = [...wanted];
        const values = await online.values(creatorView, ids);
        // A copy, because a value is a view of the whole answer that it came in.
        ids.forEach((id, i) => {
          const value = values[i];
          known.set(id, { value: value ? Buffer.from(value) : null, atMs: nowMs });
        });
      }
      for (const { card, features } of candidates) fillCreator(features, card ? known.get(card.creatorId)?.value : null, nowMs);
    },
  };
};
