import { Stale } from '../../catalogue/kept-columns.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** The online features of every candidate's video. */
export const videoFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'video-features',
  async hydrate({ nowMs }, candidates) {
    const stale = new Stale(nowMs);
    for (const { video } of candidates) if (video) stale.need(video.features);
    await stale.fetch(online);
    for (let i = 0; i < candidates.length; i++) {
      const { video, features } = candidates[i] as FeedCandidate;
      if (video) video.features.columns.copy(video.features.row, features, nowMs);
    }
  },
});
