import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FeedCandidate, FeedQuery } from '../query.ts';
import { creatorDiversity } from './creator-diversity.ts';
import { first } from './first.ts';

const ranked = fc
  .array(fc.nat(6), { maxLength: 60 })
  .map((creators) =>
    creators.map(
      (creator, i) =>
        ({ id: `v${i}`, sources: ['fresh'], score: -i, seenAt: null, reason: '', card: { creatorId: `c${creator}` } }) as unknown as FeedCandidate,
    ),
  );
const query = (count: number) => ({ count, allowSeen: false }) as FeedQuery;

test.each([creatorDiversity, first])('$name never invents, never repeats, and gives as many as there are', (selector) => {
  fc.assert(
    fc.property(ranked, fc.integer({ min: 1, max: 50 }), (list, count) => {
      const selected = selector.select(query(count), list);
      expect(new Set(selected).size).toBe(selected.length);
      expect(selected.every((c) => list.includes(c))).toBe(true);
      expect(selected.length).toBe(Math.min(count, list.length));
    }),
  );
});

test('one creator does not stand next to himself while there are others', () => {
  fc.assert(
    fc.property(ranked, (list) => {
      const selected = creatorDiversity.select(query(60), list);
      for (let i = 1; i < selected.length; i++) {
        if (selected[i]?.card?.creatorId !== selected[i - 1]?.card?.creatorId) continue;
        // Only when what was left had no other creator that could stand here.
        const rest = selected.slice(i);
        const near = selected.slice(Math.max(0, i - 3), i).map((c) => c.card?.creatorId);
        expect(rest.every((c) => near.includes(c.card?.creatorId))).toBe(true);
      }
    }),
  );
});

test('without ties in creators the order is that of the scores', () => {
  const list = Array.from({ length: 10 }, (_, i) => ({ id: `v${i}`, card: { creatorId: `c${i}` } }) as unknown as FeedCandidate);
  expect(creatorDiversity.select(query(10), list)).toEqual(list);
});
