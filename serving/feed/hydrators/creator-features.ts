import type { Hydrator } from '../../engine/pipeline.ts';
import { rowWidth } from '../candidates.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** The online features of the creator of each candidate that is scored. */
export const creatorFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, readonly FeedCandidate[]> => ({
  name: 'creator-features',
  async hydrate({ nowMs, turn, videos, candidates: { features } }, chosen) {
    const creators = Int32Array.from(chosen, (c) => c.creator);
    const missing = videos.creatorFeatures.missing(creators, creators.length, nowMs);
    if (missing.size > 0) {
      await videos.creatorFeatures.fetch(online, missing, nowMs);
      await turn();
    }
    const places = Int32Array.from(chosen, (c) => c.at);
    videos.creatorFeatures.copy(creators, features, rowWidth, places, nowMs);
  },
});
