import type { Hydrator } from '../../engine/pipeline.ts';
import { everyPlace, type FeedCandidates, rowWidth } from '../candidates.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** The online features of every candidate's video. */
export const videoFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidates> => ({
  name: 'video-features',
  async hydrate({ nowMs, turn, videos }, { items, count, features }) {
    const missing = videos.features.missing(items, count, nowMs);
    if (missing.size > 0) {
      await videos.features.fetch(online, missing, nowMs);
      await turn();
    }
    videos.features.copy(items, features, rowWidth, everyPlace.subarray(0, count), nowMs);
  },
});
