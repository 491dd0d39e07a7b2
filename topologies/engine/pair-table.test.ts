import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairTable } from './pair-table.ts';

test('each pair has its own number, in the order in which they came, also after it was cleared', () => {
  const pair = fc.tuple(fc.nat(300), fc.nat(300));
  fc.assert(
    fc.property(fc.array(fc.array(pair, { maxLength: 3_000 }), { maxLength: 3 }), (rounds) => {
      const table = new PairTable();
      for (const pairs of rounds) {
        const known = new Map<string, number>();
        for (const [first, second] of pairs) {
          const name = `${first}/${second}`;
          if (!known.has(name)) known.set(name, known.size);
          expect(table.number(first, second)).toBe(known.get(name));
        }
        table.clear();
      }
    }),
    { numRuns: 20 },
  );
});
