import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** Whether the viewer has watched each candidate. */
export const seen: Hydrator<FeedQuery, FeedCandidates> = {
  name: 'seen',
  async hydrate({ viewer, videos }, { items, count, seen: known }) {
    known.set(viewer.seen.among(Array.from(items.subarray(0, count), (video) => videos.ids[video] as string)));
  },
};
