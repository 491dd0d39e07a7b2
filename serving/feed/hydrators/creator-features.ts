import { Stale } from '../../catalogue/kept-columns.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** The online features of every candidate's creator. */
export const creatorFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'creator-features',
  async hydrate({ nowMs }, candidates) {
    const stale = new Stale(nowMs);
    for (const { video } of candidates) if (video?.creator) stale.need(video.creator);
    await stale.fetch(online);
    for (let i = 0; i < candidates.length; i++) {
      const { video, features } = candidates[i] as FeedCandidate;
      if (video?.creator) video.creator.columns.copy(video.creator.row, features, nowMs);
    }
  },
});
