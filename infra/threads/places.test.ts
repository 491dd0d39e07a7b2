import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
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

/** Four things wait at any time, after a full collection that found some; bytes that came to old space, and all bytes. */
async function agedBy(put: string, take: string): Promise<{ promoted: number; allocated: number }> {
  const code = `
    const { Places } = await import('./places.ts');
    const [places, map, waiting] = [new Places(), new Map(), []];
    let next = 0;
    const come = () => waiting.push(((thing) => ${put})(Array.from({ length: 60 }, (_, i) => ({ i }))));
    const go = () => ((at) => ${take})(waiting.shift());
    for (let i = 0; i < 3; i++) come();
    gc();
    gc();
    for (let i = 0; i < 200_000; i++) {
      come();
      go();
    }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--trace-gc-nvp', '--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
    maxBuffer: 1 << 26,
  });
  const young = stdout.split('\n').filter((line) => / gc=s /.test(line));
  const sum = (what: string) => young.reduce((total, line) => total + Number(new RegExp(` ${what}=(\\d+) `).exec(line)?.[1] ?? 0), 0);
  return { promoted: sum('promoted'), allocated: sum('allocated') };
}

test('what waited dies young, where a Map keeps it until the next full collection', async () => {
  const ours = await agedBy('places.put(thing)', 'places.take(at)');
  expect(ours.allocated).toBeGreaterThan(100_000_000);
  expect(ours.promoted).toBeLessThan(ours.allocated / 100);
  const map = await agedBy('(map.set(next, thing), next++)', 'map.delete(at)');
  expect(map.promoted).toBeGreaterThan(map.allocated / 10);
});
