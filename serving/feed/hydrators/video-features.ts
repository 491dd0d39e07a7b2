import { Missing } from '../../catalogue/kept-columns.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** The online features of every candidate's video. Those of its creator are fetched with them: two round trips cost more than some rows too many. */
export const videoFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'video-features',
  async hydrate({ nowMs, turn }, candidates) {
    const missing = new Missing(nowMs);
    for (let i = 0; i < candidates.length; i++) {
      const { video } = candidates[i] as FeedCandidate;
      if (!video) continue;
      missing.need(video.features);
      if (video.creator) missing.need(video.creator);
    }
    if (missing.some) {
      await missing.fetch(online);
      await turn();
    }
    for (let i = 0; i < candidates.length; i++) {
      const { video, features } = candidates[i] as FeedCandidate;
      if (video) video.features.columns.copy(video.features.row, features, nowMs);
    }
  },
});
