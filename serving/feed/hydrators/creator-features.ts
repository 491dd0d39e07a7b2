import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** The online features of each candidate's creator, which came with those of its video. */
export const creatorFeatures: Hydrator<FeedQuery, FeedCandidate> = {
  name: 'creator-features',
  async hydrate({ nowMs }, candidates) {
    for (let i = 0; i < candidates.length; i++) {
      const { video, features } = candidates[i] as FeedCandidate;
      if (video?.creator) video.creator.columns.copy(video.creator.row, features, nowMs);
    }
  },
};
