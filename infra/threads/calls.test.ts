import { expect, test } from 'vitest';
import { HnswIndexes } from '../vectors/hnsw.ts';
import { ThreadedIndexes } from '../vectors/threaded.ts';

const [count, dims] = [1_000, 8];
const items = Float32Array.from({ length: count * dims }, (_, i) => Math.sin(i * 12.9898));
const bytes = new HnswIndexes().build(items, dims, { m: 8, efConstruction: 40, ef: 40, seed: 1 });

test('a thread that is ended in the middle of native work takes nobody with it, and the next call starts another', async () => {
  const threaded = new ThreadedIndexes();
  const load = () => threaded.load(Buffer.from(bytes), { count, dims, ef: 200 });
  for (let round = 0; round < 10; round++) {
    const index = await load();
    const calls = Array.from({ length: 5 }, () => index.search(items.slice(0, 100 * dims), 100).catch(() => null));
    // The first has been answered: the thread is amid the others.
    await calls[0];
    await threaded.calls.kill();
    await Promise.all(calls);
  }
  const [hits] = await (await load()).search(items.slice(0, dims), 1);
  expect(hits?.labels).toHaveLength(1);
  await threaded.close();
});
