import type { Selector } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** As many as were asked for, but for those that were removed meanwhile, each with the source that speaks most for it. */
export const first: Selector<FeedQuery, FeedCandidate> = {
  name: 'first',
  select({ count, allowSeen }, ranked) {
    const selected: FeedCandidate[] = [];
    for (let i = 0; i < ranked.length && selected.length < count; i++) {
      const c = ranked[i] as FeedCandidate;
      if (!c.card) continue;
      selected.push(c);
      if (allowSeen && c.seen) c.reason = 'seen-before';
      else if (c.reason === '') c.reason = strongest(c);
    }
    return selected;
  },
};

const preference = ['followed-creators', 'similar-to-recent', 'similar-content', 'topic-affinity', 'similar-taste', 'trending-in-region', 'fresh'];
const strongest = (c: FeedCandidate): string => preference.find((name) => c.sources.includes(name)) ?? (c.sources[0] as string);
