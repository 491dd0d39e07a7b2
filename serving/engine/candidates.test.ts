import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Candidates } from './candidates.ts';

/** The same with a Map: turn by turn, each source offers its next. */
function merged(offers: readonly (readonly number[])[], limit: number): [item: number, sources: number][] {
  const found = new Map<number, number>();
  const longest = Math.max(0, ...offers.map((list) => list.length));
  for (let turn = 0; turn < longest; turn++)
    offers.forEach((list, s) => {
      const item = list[turn];
      if (item === undefined || (!found.has(item) && found.size === limit)) return;
      found.set(item, (found.get(item) ?? 0) | (1 << s));
    });
  return [...found];
}

test('what sources offer is merged by turns, once each, and nothing of the request before is left', () => {
  const limit = 20;
  const candidates = new Candidates(limit);
  // Few numbers, so that sources meet; large ones and neighbours, so that they meet in the table too.
  const item = fc.oneof(fc.nat(30), fc.nat(2 ** 31 - 1));
  fc.assert(
    fc.property(fc.array(fc.array(item, { maxLength: 30 }), { maxLength: 5 }), (offers) => {
      candidates.merge(offers);
      const rows = Array.from({ length: candidates.count }, (_, at) => [candidates.items[at], candidates.sources[at]]);
      expect(rows).toEqual(merged(offers, limit));
    }),
  );
});
