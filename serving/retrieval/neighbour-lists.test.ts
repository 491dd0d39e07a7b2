import { expect, test } from 'vitest';
import { ExactIndexes } from '#infra/vectors/memory.ts';
import type { VectorIndex } from '#infra/vectors/vectors.ts';
import { Random } from '../../jobs/engine/random.ts';
import { NeighbourLists } from './neighbour-lists.ts';

const dims = 8;
const count = 60;

async function scene() {
  const random = new Random(5);
  const vectors = Float32Array.from({ length: count * dims }, () => random.normal());
  const exact = new ExactIndexes();
  const index = await exact.load(exact.build(vectors, dims), { count, dims });
  const asked: number[] = [];
  const counted: VectorIndex = {
    ...index,
    search: (queries, k) => {
      asked.push(queries.length / dims);
      return index.search(queries, k);
    },
  };
  const seed = (i: number) => ({ id: `v${i}`, vector: vectors.subarray(i * dims, (i + 1) * dims) });
  const plain = async (i: number, k: number) => [...((await index.search(seed(i).vector, k))[0]?.labels ?? [])];
  return { lists: new NeighbourLists(counted), asked, seed, plain };
}

test('each list is what a search finds, and is searched once, all that are missing together', async () => {
  const { lists, asked, seed, plain } = await scene();
  const of = async (seeds: number[], k: number) => (await lists.of(seeds.map(seed), k)).map((labels) => [...labels]);
  expect(await of([3, 9], 10)).toEqual([await plain(3, 10), await plain(9, 10)]);
  expect(await of([9, 4, 3], 10)).toEqual([await plain(9, 10), await plain(4, 10), await plain(3, 10)]);
  expect(asked).toEqual([2, 1]);
  expect(await of([4, 9], 6)).toEqual([await plain(4, 6), await plain(9, 6)]);
  expect(asked).toEqual([2, 1]);
  expect(await of([4, 9], 500)).toEqual([await plain(4, count), await plain(9, count)]);
  expect(asked).toEqual([2, 1, 2]);
  expect(await of([4], 1_000)).toEqual([await plain(4, count)]);
  expect(asked).toEqual([2, 1, 2]);
  expect(await of([], 5)).toEqual([]);
});
