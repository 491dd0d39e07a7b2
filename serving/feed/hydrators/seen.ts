import { userSeen } from '#schemas/features/views/engagement.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** Whether the viewer has watched each candidate. */
export const seen = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidates> => ({
  name: 'seen',
  async hydrate({ userId, viewer, videos }, { items, count, seen: known, viewer: numbered }) {
    for (let at = 0; at < count; at++) known[at] = numbered.seen.has(items[at] as number) ? 1 : 0;
    if (!viewer.seenMore) return;
    const ids = Array.from(items.subarray(0, count), (video) => videos.ids[video] as string);
    const times = await online.scores(userSeen, userId, ids);
    for (let at = 0; at < count; at++) known[at] = times[at] === null ? 0 : 1;
  },
});
