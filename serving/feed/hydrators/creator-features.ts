import { fillCreator } from '#schemas/features/ranking.ts';
import { creatorView } from '#schemas/features/views/engagement.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** The online features of every candidate's creator, each creator read once. */
export const creatorFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'creator-features',
  async hydrate(query, candidates) {
    const creators = [...new Set(candidates.map((c) => c.card?.creatorId ?? ''))];
    const values = await online.values(creatorView, creators);
    const byId = new Map(creators.map((id, i) => [id, values[i]]));
    for (const c of candidates) fillCreator(c.features, byId.get(c.card?.creatorId ?? ''), query.nowMs);
  },
});
