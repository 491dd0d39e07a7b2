import { videoColumnsAt } from '#schemas/features/ranking.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { refresh } from '../../catalogue/kept-columns.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** What everybody does with a video: a second is nothing beside its half-lives. What this viewer did is read anew each time. */
const freshMs = 1_000;

/** The online features of every candidate's video. */
export const videoFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'video-features',
  async hydrate({ nowMs }, candidates) {
    const kept = candidates.flatMap((c) => c.video?.features ?? []);
    await refresh(online, videoView, kept, freshMs, nowMs);
    for (const c of candidates) {
      const columns = c.video?.features?.columns;
      if (columns) for (let i = 0; i < columns.length; i++) c.features[videoColumnsAt + i] = columns[i] as number;
    }
  },
});
