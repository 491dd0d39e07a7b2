import type { Selector } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** A creator comes again at the earliest this many places later. */
const gap = 4;

/** Keeps the order but for videos that would stand too near another of their creator: they wait for their turn. */
export const creatorDiversity: Selector<FeedQuery, FeedCandidate> = {
  name: 'creator-diversity',
  select({ count }, ranked) {
    const chosen: FeedCandidate[] = [];
    const waiting: FeedCandidate[] = [];
    const near = (c: FeedCandidate) => chosen.slice(-gap + 1).some((other) => other.creator === c.creator);
    let next = 0;
    while (chosen.length < count && (next < ranked.length || waiting.length > 0)) {
      const turn = waiting.findIndex((c) => !near(c));
      if (turn >= 0) chosen.push(...waiting.splice(turn, 1));
      else if (next >= ranked.length) chosen.push(...waiting.splice(0, 1));
      else {
        const c = ranked[next++] as FeedCandidate;
        if (near(c)) waiting.push(c);
        else chosen.push(c);
      }
    }
    return [...chosen, ...waiting, ...ranked.slice(next)];
  },
};
