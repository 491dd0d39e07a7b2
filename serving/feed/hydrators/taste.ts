import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** The viewer's vector, which the index's thread works out while sources look. */
export const taste: Hydrator<FeedQuery, FeedCandidates> = {
  name: 'taste',
  async hydrate({ taste }, candidates) {
    candidates.taste = null;
    const located = await taste?.catch(() => null);
    candidates.taste = located?.vector ?? null;
  },
};
