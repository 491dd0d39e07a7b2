import type { Selector } from '../../engine/pipeline.ts';
import { noise } from '../../ranking/noise.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** How many of them score higher; of equals the one with the smaller id does, so that no two have one place. */
const placeByScore = (one: FeedCandidate, all: readonly FeedCandidate[]): number =>
  all.filter((c) => c.score > one.score || (c.score === one.score && c.id < one.id)).length;

/**
 * Places of the session that belong to a source. One of its candidates is drawn, each with the same chance, and the
 * chance is logged with it and its place by score among them, so that what followed says what another choice would
 * bring; or the best is taken, and the others of that source wait. Everything else keeps its order around them.
 */
export const slots: Selector<FeedQuery, FeedCandidate> = {
  name: 'slots',
  select({ selection, position, count, seed }, ranked) {
    const taken = new Map<number, FeedCandidate>();
    for (let i = 0; i < count; i++) {
      const slot = selection.slots.find((s) => (position + i) % s.every === s.at);
      if (!slot) continue;
      const already = new Set(taken.values());
      const offered = ranked.filter((c) => c.sources.includes(slot.source) && !already.has(c));
      const winner = slot.by === 'lot' ? drawn(offered, noise(seed, `${slot.source}/${position + i}`)) : offered.find((c) => placeByScore(c, offered) === 0);
      if (!winner) continue;
      winner.reason = slot.source;
      taken.set(i, winner);
    }
    const waiting = selection.slots.filter((s) => s.by === 'score').map((s) => s.source);
    const own = new Set(taken.values());
    const others = ranked.filter((c) => !own.has(c));
    const waits = (c: FeedCandidate) => c.sources.every((source) => waiting.includes(source));
    const rest = [...others.filter((c) => !waits(c)), ...others.filter(waits)];
    const list: FeedCandidate[] = [];
    for (let i = 0, next = 0; list.length < ranked.length; i++) {
      const one = taken.get(i) ?? rest[next++];
      if (one) list.push(one);
    }
    return list;
  },
};

function drawn(offered: readonly FeedCandidate[], draw: number): FeedCandidate | undefined {
  const winner = offered[Math.floor(draw * offered.length)];
  if (!winner) return undefined;
  winner.propensity = 1 / offered.length;
  winner.drawPlace = placeByScore(winner, offered);
  return winner;
}
