import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdWindow } from './id-window.ts';

const ask = (window: IdWindow, offset: number, id: number): boolean => {
  const bytes = Buffer.from(`id-${id}`);
  return window.firstTime(offset, bytes, 0, bytes.length);
};

test('a window that was read back decides as one that never stopped', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 400 }), fc.integer({ min: 4, max: 64 }), fc.nat(), (ids, size, at) => {
      const whole = new IdWindow(size);
      const decisions = ids.map((id, offset) => ask(whole, offset, id));
      const restart = at % ids.length;
      const restarted = new IdWindow(size);
      for (let offset = restarted.start(restart); offset < restart; offset++) ask(restarted, offset, ids[offset] as number);
      for (let offset = restart; offset < ids.length; offset++) expect(ask(restarted, offset, ids[offset] as number)).toBe(decisions[offset]);
    }),
  );
});

test('an id is a duplicate within a generation, whatever came between', () => {
  const window = new IdWindow(100_000);
  for (let i = 0; i < 100_000; i++) expect(ask(window, i, i)).toBe(true);
  for (let i = 0; i < 100_000; i++) expect(ask(window, 100_000 + i, i)).toBe(false);
  expect(ask(window, 300_000, 5)).toBe(true);
});
