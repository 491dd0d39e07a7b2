import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Places } from './places.ts';

test('each thing is taken once, by the number that it was given, however numbers come again', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20))), (steps) => {
      const places = new Places<{ n: number }>();
      const waiting = new Map<number, { n: number }>();
      steps.forEach((take, n) => {
        if (take === null) {
          const value = { n };
          const at = places.put(value);
          expect(waiting.has(at)).toBe(false);
          waiting.set(at, value);
        } else {
          expect(places.take(take)).toBe(waiting.get(take) ?? null);
          waiting.delete(take);
        }
        expect(places.size).toBe(waiting.size);
      });
      expect(new Set(places.takeAll())).toEqual(new Set(waiting.values()));
      expect(places.size).toBe(0);
    }),
  );
});
