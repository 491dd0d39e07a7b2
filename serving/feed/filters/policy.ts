import { fact, factWidth, flag, minAgeOf } from '../../catalogue/video-table.ts';
import type { Filter } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import type { FeedQuery } from '../query.ts';

/** Of a viewer whose age nobody told, no more is assumed. */
const assumedAge = 17;

const flagsAt = ({ facts }: FeedCandidates, at: number): number => facts[at * factWidth + fact.flags] as number;

/** For viewers of this age. */
export const rightAge: Filter<FeedQuery, FeedCandidates> = {
  name: 'right-age',
  keep: ({ age }, candidates, at) => minAgeOf(flagsAt(candidates, at)) <= (age ?? assumedAge),
};

/** May be shown where the viewer is. */
export const allowedInRegion: Filter<FeedQuery, FeedCandidates> = {
  name: 'allowed-in-region',
  keep({ region, videos }, candidates, at) {
    return (flagsAt(candidates, at) & flag.restricted) === 0 || !videos.isBlockedIn(region, candidates.items[at] as number);
  },
};

/** Approved by moderation; what is limited is shown to followers of its creator alone. */
export const approved: Filter<FeedQuery, FeedCandidates> = {
  name: 'approved',
  keep(_query, candidates, at) {
    const flags = flagsAt(candidates, at);
    if ((flags & flag.blocked) !== 0) return false;
    return (flags & flag.limited) === 0 || candidates.viewer.follows.has(candidates.facts[at * factWidth + fact.creator] as number);
  },
};
