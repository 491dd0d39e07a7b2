import fc from 'fast-check';
import { expect, test } from 'vitest';
import { marginalRelevance } from './variety.ts';

/** The definition: every item is compared with every one that was chosen, each time. */
function plain(scores: Float64Array, likeness: (a: number, b: number) => number, weight: number, count: number): number[] {
  const [least, largest] = [Math.min(...scores), Math.max(...scores)];
  const spread = largest > least ? largest - least : 1;
  const chosen: number[] = [];
  while (chosen.length < Math.min(count, scores.length)) {
    const gains = [...scores].map((score, i) => {
      const nearest = Math.max(0, ...chosen.map((c) => likeness(i, c)));
      return chosen.includes(i) ? Number.NEGATIVE_INFINITY : (1 - weight) * ((score - least) / spread) - weight * nearest;
    });
    chosen.push(gains.indexOf(Math.max(...gains)));
  }
  return chosen;
}

const items = fc.array(fc.record({ score: fc.integer({ min: -5, max: 5 }), x: fc.nat(4), y: fc.nat(4) }), { minLength: 1, maxLength: 40 });

test('what is compared only while it gains most is chosen as if everything were compared', () => {
  let [asked, of] = [0, 0];
  fc.assert(
    fc.property(items, fc.constantFrom(0, 0.1, 0.3, 0.7, 1), fc.nat(50), (list, weight, count) => {
      const scores = Float64Array.from(list, (item) => item.score);
      const near = (a: number, b: number) => 1 / (1 + Math.abs((list[a]?.x ?? 0) - (list[b]?.x ?? 0)) + Math.abs((list[a]?.y ?? 0) - (list[b]?.y ?? 0)));
      const counted = (a: number, b: number) => {
        asked++;
        return near(a, b);
      };
      of += Math.min(count, list.length) * list.length;
      expect(marginalRelevance(scores, counted, weight, count)).toEqual(plain(scores, near, weight, count));
    }),
  );
  expect(asked / of).toBeLessThan(0.5);
});
