import { expect, test } from 'vitest';
import { ForyouError } from '#infra/errors.ts';
import { type AnyTask, type Results, runDag, task } from './dag.ts';

const add = task<{ order: string[] }>();
const named = (name: string, needs: Record<string, AnyTask> = {}, run: () => Promise<unknown> = async () => name) =>
  add({
    name,
    version: 1,
    needs,
    of: 'content',
    weight: 1,
    run(context) {
      context.order.push(name);
      return run();
    },
  });

function memory(): Results & { kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return {
    kept,
    read: async (t) => (kept.has(t.name) ? { result: kept.get(t.name) } : null),
    write: async (t, result) => void kept.set(t.name, result),
    readWay: async (t) => kept.get(`${t.name} way`) ?? null,
    writeWay: async (t, way) => void kept.set(`${t.name} way`, way),
  };
}
const never = new AbortController().signal;

test('a task begins when what it needs has ended, and gets its results', async () => {
  const a = named('a');
  const b = named('b', { a });
  const c = add({ name: 'c', version: 1, needs: { a, b }, of: 'content', weight: 1, run: async (_context, inputs) => `${inputs.a}${inputs.b}c` });
  const context = { order: [] as string[] };
  const results = await runDag({ tasks: [c, b, a], context, results: memory(), concurrency: 4, signal: never });
  expect(context.order).toEqual(['a', 'b']);
  expect(results.get('c')).toBe('abc');
});

test('what has a result is not made again; the failed and what follows is', async () => {
  const store = memory();
  let broken = true;
  const a = named('a');
  const b = named('b', { a }, async () => {
    if (broken) throw new Error('a bug');
    return 'b';
  });
  const c = named('c', { b });
  const context = { order: [] as string[] };
  const run = () => runDag({ tasks: [a, b, c], context, results: store, concurrency: 1, signal: never });
  await expect(run()).rejects.toThrow('a bug');
  broken = false;
  await run();
  expect(context.order).toEqual(['a', 'b', 'b', 'c']);
});

test('a task that was ended on its way goes on from what it kept, and says that it came further', async () => {
  const store = memory();
  const made: number[] = [];
  const further: string[] = [];
  let power = 3;
  const a = add({
    name: 'a',
    version: 1,
    needs: {},
    of: 'content',
    weight: 1,
    async run(_context, _inputs, { kept, keep }) {
      for (let i = ((await kept()) as number | null) ?? 0; i < 5; i++) {
        if (power-- === 0) throw new Error('power cut');
        made.push(i);
        await keep(i + 1);
      }
      return 'whole';
    },
  });
  const run = () =>
    runDag({ tasks: [a], context: { order: [] }, results: store, concurrency: 1, signal: never, onKept: async (name) => void further.push(name) });
  await expect(run()).rejects.toThrow('power cut');
  expect((await run()).get('a')).toBe('whole');
  expect(made).toEqual([0, 1, 2, 3, 4]);
  expect(further).toHaveLength(5);
});

test('an outage is waited for, and said', async () => {
  let left = 2;
  const said: string[] = [];
  const a = named('a', {}, async () => {
    if (left-- > 0) throw new ForyouError('unavailable', 'away');
    return 'a';
  });
  const results = await runDag({
    tasks: [a],
    context: { order: [] },
    results: memory(),
    concurrency: 1,
    signal: never,
    onStep: (name, what) => said.push(`${name} ${what}`),
  });
  expect(results.get('a')).toBe('a');
  expect(said).toEqual(['a begins', 'a waits', 'a begins', 'a waits', 'a begins', 'a ended']);
});

test('one failure ends what runs beside it', async () => {
  const store = memory();
  const bad = named('bad', {}, async () => {
    throw new Error('bad');
  });
  const slow = add({
    name: 'slow',
    version: 1,
    needs: {},
    of: 'content',
    weight: 1,
    run: (_context, _inputs, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended')))),
  });
  await expect(runDag({ tasks: [slow, bad], context: { order: [] }, results: store, concurrency: 2, signal: never })).rejects.toThrow('bad');
  expect(store.kept.size).toBe(0);
});

test('what is needed on the way has begun before, and is awaited', async () => {
  const started = Promise.withResolvers<void>();
  const a = named('a', {}, async () => {
    await started.promise;
    return 'a';
  });
  const b = add({
    name: 'b',
    version: 1,
    needs: {},
    meanwhile: { a },
    of: 'content',
    weight: 1,
    async run({ order }, inputs) {
      order.push('b');
      started.resolve();
      return `${await inputs.a}b`;
    },
  });
  const context = { order: [] as string[] };
  const store = memory();
  const results = await runDag({ tasks: [b, a], context, results: store, concurrency: 2, signal: never });
  expect(context.order).toEqual(['a', 'b']);
  expect(results.get('b')).toBe('ab');
  // What has a result counts as begun.
  store.kept.delete('b');
  await runDag({ tasks: [b, a], context, results: store, concurrency: 1, signal: never });
  expect(store.kept.get('b')).toBe('ab');
});

test('what fails on the way fails who awaits it, once', async () => {
  const a = named('a', {}, () => Promise.reject(new Error('a is bad')));
  const b = add({ name: 'b', version: 1, needs: {}, meanwhile: { a }, of: 'content', weight: 1, run: async (_context, inputs) => inputs.a });
  await expect(runDag({ tasks: [a, b], context: { order: [] }, results: memory(), concurrency: 2, signal: never })).rejects.toThrow('a is bad');
});

test('needs that cannot be met are a mistake, not a wait', async () => {
  const a = named('a');
  const b = named('b', { a });
  await expect(runDag({ tasks: [b], context: { order: [] }, results: memory(), concurrency: 1, signal: never })).rejects.toThrow('can never begin');
});
