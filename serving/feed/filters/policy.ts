import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** Of a viewer whose age nobody told, no more is assumed. */
const assumedAge = 17;

/** For viewers of this age. */
export const rightAge: Filter<FeedQuery, FeedCandidate> = {
  name: 'right-age',
  keep: ({ age }, { card }) => (card?.minAge ?? 0) <= (age ?? assumedAge),
};

/** May be shown where the viewer is. */
export const allowedInRegion: Filter<FeedQuery, FeedCandidate> = {
  name: 'allowed-in-region',
  keep: ({ region }, { card }) => !card?.blockedRegions?.includes(region),
};

/** Approved by moderation; what is limited is shown to followers of its creator alone. */
export const approved: Filter<FeedQuery, FeedCandidate> = {
  name: 'approved',
  keep: ({ viewer }, { card }) => card?.moderation !== 'blocked' && (card?.moderation !== 'limited' || viewer.follows.has(card.creatorId)),
};
