import type { Selector } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** The first items of a viewer who is new. */
const starters = 5;

/** Somebody of whom nothing is known first meets what does well where he is, one topic after another. */
export const startersFirst: Selector<FeedQuery, FeedCandidate> = {
  name: 'starters',
  select({ viewer, position, count }, ranked) {
    const wanted = viewer.step === 'newcomer' ? Math.min(starters - position, count) : 0;
    if (wanted <= 0) return ranked;
    const chosen = new Set<FeedCandidate>();
    const topics = new Set<number>();
    // First of topics that did not come yet; when all have come, whatever does well.
    for (const again of [false, true])
      for (const c of ranked) {
        if (chosen.size >= wanted || chosen.has(c) || !c.sources.includes('trending-in-region') || (!again && topics.has(c.topic))) continue;
        chosen.add(c);
        topics.add(c.topic);
      }
    return [...chosen, ...ranked.filter((c) => !chosen.has(c))];
  },
};
