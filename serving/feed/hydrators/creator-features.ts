import { creatorColumnsAt } from '#schemas/features/ranking.ts';
import { refreshAll } from '../../catalogue/kept-columns.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** What all videos of a creator do together moves slowly. */
const freshMs = 2_000;

/** The online features of every candidate's creator. */
export const creatorFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'creator-features',
  async hydrate({ nowMs }, candidates) {
    const asked = candidates.flatMap((c) => c.video?.creator ?? []);
    await refreshAll(online, asked, freshMs, nowMs);
    for (let i = 0; i < candidates.length; i++) {
      const { video, features } = candidates[i] as FeedCandidate;
      if (video?.creator) video.creator.columns.copy(video.creator.row, features, creatorColumnsAt);
    }
  },
});
