import { expect, test } from 'vitest';
import { slotOf } from '#schemas/features/layout.ts';
import { Interner } from './interner.ts';

test('each distinct string has one id, its own bytes and the place in the store that readers compute', () => {
  const interner = new Interner(7);
  for (let round = 0; round < 2; round++) {
    const names = Array.from({ length: 5_000 }, (_, i) => `näme-${i}-${'x'.repeat(i % 50)}`);
    const ids = names.map((name) => interner.idOfString(name));
    expect(new Set(ids).size).toBe(names.length);
    expect(names.map((name) => interner.idOfString(name))).toEqual(ids);
    for (const [i, id] of ids.entries()) {
      expect(interner.bytes.toString('utf8', interner.start(id), interner.start(id + 1))).toBe(names[i]);
      expect(interner.slot(id)).toBe(slotOf(names[i] as string, 7));
    }
    interner.clear();
  }
});

test('bursts with small batches between them need the memory of one burst', () => {
  const interner = new Interner(3);
  const burst = Array.from({ length: 5_000 }, (_, i) => `name-${i}`);
  for (let round = 0; round < 30; round++) {
    for (const name of round % 2 === 0 ? burst : burst.slice(0, 3)) interner.idOfString(name);
    interner.clear();
  }
  // Ids, hashes, starts and places of 5,000 strings, with room: well below a megabyte.
  expect(interner.held).toBeLessThan(1 << 20);
});
