import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** The viewer's vector, which the index's thread works out while sources look; when it cannot, this one does. */
export const taste: Hydrator<FeedQuery, FeedCandidates> = {
  name: 'taste',
  async hydrate({ taste }, candidates) {
    candidates.taste =
      taste &&
      (await taste.located.then(
        ({ vector }) => vector,
        () => taste.vector(),
      ));
  },
};
