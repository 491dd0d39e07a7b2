import { fillVideo } from '#schemas/features/ranking.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** The online features of every candidate's video, read as of now. */
export const videoFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'video-features',
  async hydrate(query, candidates) {
    const values = await online.values(
      videoView,
      candidates.map((c) => c.id),
    );
    candidates.forEach((c, i) => {
      fillVideo(c.features, values[i], query.nowMs);
    });
  },
});
