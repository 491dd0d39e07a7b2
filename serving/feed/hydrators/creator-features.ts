import { creatorColumnsAt } from '#schemas/features/ranking.ts';
import { creatorView } from '#schemas/features/views/engagement.ts';
import { refresh } from '../../catalogue/kept-columns.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** What all videos of a creator do together moves slowly. */
const freshMs = 1_000;

/** The online features of every candidate's creator. */
export const creatorFeatures = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'creator-features',
  async hydrate({ nowMs }, candidates) {
    const kept = candidates.flatMap((c) => c.video?.creator ?? []);
    await refresh(online, creatorView, kept, freshMs, nowMs);
    for (const c of candidates) {
      const columns = c.video?.creator?.columns;
      if (columns) for (let i = 0; i < columns.length; i++) c.features[creatorColumnsAt + i] = columns[i] as number;
    }
  },
});
