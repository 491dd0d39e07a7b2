import type { Selector } from '../../engine/pipeline.ts';
import { noise } from '../../ranking/heuristic.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** How many of them score higher; of equals the one with the smaller id does, so that no two have one place. */
const placeByScore = (one: FeedCandidate, all: readonly FeedCandidate[]): number =>
  all.filter((c) => c.score > one.score || (c.score === one.score && c.id < one.id)).length;

/**
 * Places of the session that belong to a source: one of its candidates is drawn, each with the same chance, and the
 * chance is logged with it and its place by score among them, so that what followed says what another choice would bring. Everything else keeps its order around them.
 */
export const slots: Selector<FeedQuery, FeedCandidate> = {
  name: 'slots',
  select({ selection, position, count, seed }, ranked) {
    const drawn = new Map<number, FeedCandidate>();
    for (let i = 0; i < count; i++) {
      const slot = selection.slots.find((s) => (position + i) % s.every === s.at);
      if (!slot) continue;
      const taken = new Set(drawn.values());
      const offered = ranked.filter((c) => c.sources.includes(slot.source) && !taken.has(c));
      const winner = offered[Math.floor(noise(seed, `${slot.source}/${position + i}`) * offered.length)];
      if (!winner) continue;
      winner.propensity = 1 / offered.length;
      winner.drawPlace = placeByScore(winner, offered);
      winner.reason = slot.source;
      drawn.set(i, winner);
    }
    if (drawn.size === 0) return ranked;
    const own = new Set(drawn.values());
    const rest = ranked.filter((c) => !own.has(c));
    const list: FeedCandidate[] = [];
    for (let i = 0; list.length < ranked.length; i++) {
      const next = drawn.get(i) ?? rest.shift();
      if (next) list.push(next);
    }
    return list;
  },
};
