import { userSeen } from '#schemas/features/views/engagement.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** When the viewer last watched each candidate. */
export const seen = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'seen',
  async hydrate(query, candidates) {
    const { seen: known, seenMore } = query.viewer;
    for (const c of candidates) c.seenAt = known.get(c.id) ?? null;
    if (!seenMore) return;
    const at = await online.scores(
      userSeen,
      query.userId,
      candidates.map((c) => c.id),
    );
    candidates.forEach((c, i) => {
      c.seenAt = at[i] ?? null;
    });
  },
});
