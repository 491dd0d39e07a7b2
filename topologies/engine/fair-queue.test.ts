import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue } from './fair-queue.ts';

/** The order in which pieces begin, when all of them came while something else ran. */
async function orderOf(pieces: readonly { owner: string; cost: number; name: string }[]): Promise<string[]> {
  const queue = new FairQueue(1);
  const { signal } = new AbortController();
  const order: string[] = [];
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  void queue.run('somebody else', 1, signal, () => gate);
  for (const { owner, cost, name } of pieces)
    void queue.run(owner, cost, signal, async () => {
      order.push(name);
    });
  go();
  await queue.idle();
  return order;
}

test('short comes first', async () => {
  const pieces = [60, 15, 180, 30].map((cost, i) => ({ owner: `o${i}`, cost, name: String(cost) }));
  expect(await orderOf(pieces)).toEqual(['15', '30', '60', '180']);
});

test('who brings much waits behind who brings little', async () => {
  const flood = Array.from({ length: 100 }, (_, i) => ({ owner: 'much', cost: 10, name: `much-${i}` }));
  const order = await orderOf([...flood, { owner: 'little', cost: 20, name: 'little' }]);
  expect(order.indexOf('little')).toBeLessThan(3);
});

test('long work is not put off for ever by short work that keeps coming', async () => {
  const queue = new FairQueue(1);
  const { signal } = new AbortController();
  let shorts = 0;
  let longAfter = -1;
  const short = async (): Promise<void> => {
    shorts++;
    // Each short piece brings the next one, of a new owner: the queue is never without one.
    if (shorts < 1_000 && longAfter < 0) void queue.run(`new-${shorts}`, 1, signal, short);
  };
  void queue.run('first', 1, signal, short);
  void queue.run('second', 1, signal, short);
  void queue.run('long', 100, signal, async () => {
    longAfter = shorts;
  });
  await queue.idle();
  expect(longAfter).toBeGreaterThanOrEqual(0);
  expect(longAfter).toBeLessThan(250);
});

test('everything is run once, with never more side by side than allowed, and given-up work is not begun', async () => {
  const piece = fc.record({ owner: fc.constantFrom('a', 'b', 'c'), cost: fc.integer({ min: 1, max: 100 }), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (pieces, concurrency) => {
      const queue = new FairQueue(concurrency);
      const { signal } = new AbortController();
      const runs = pieces.map(() => 0);
      let running = 0;
      let most = 0;
      for (const [i, { owner, cost, fails }] of pieces.entries())
        queue
          .run(owner, cost, signal, async () => {
            runs[i] = (runs[i] as number) + 1;
            most = Math.max(most, ++running);
            await new Promise((resolve) => setImmediate(resolve));
            running--;
            if (fails) throw new Error('as planned');
          })
          .catch(() => {});
      await queue.idle();
      expect(runs.every((n) => n === 1)).toBe(true);
      expect(most).toBeLessThanOrEqual(concurrency);
    }),
    { numRuns: 50 },
  );
  const queue = new FairQueue(1);
  let begun = 0;
  const given = queue.run('a', 1, AbortSignal.abort(), async () => {
    begun++;
  });
  await given;
  expect(begun).toBe(0);
});
