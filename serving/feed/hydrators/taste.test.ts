import { expect, test } from 'vitest';
import { FoldIn } from '#infra/vectors/fold-in.ts';
import { ExactIndexes } from '#infra/vectors/memory.ts';
import type { ViewerIndex } from '#infra/vectors/vectors.ts';
import type { Retrieval } from '../../retrieval/index-reader.ts';
import { tasteOf } from '../../retrieval/taste.ts';
import { feedQuery } from '../testing.ts';
import { taste } from './taste.ts';

const dims = 4;
const items = Float32Array.from({ length: 5 * dims }, (_, i) => Math.sin(i));
const model = { dims, items, eigen: new Float64Array(dims).fill(0.5), alpha: 0.01, reg: 0.1, nu: 0.5 };
const exact = new ExactIndexes();
const index = await exact.loadViewers(exact.build(items, dims), { count: 5, dims, ef: 0 }, model);
const places = new Map(Array.from({ length: 5 }, (_, i) => [`v${i}`, i]));

/** What ranking knows of a viewer's taste when such an index answers, or does not. */
async function tasteBy(answering: Pick<ViewerIndex, 'locate'>): Promise<Float32Array | null> {
  const retrieval = { index: { ...index, ...answering }, foldIn: new FoldIn(model), places } as unknown as Retrieval;
  const videos = new Map([
    ['v1', 4],
    ['v3', 2],
    ['gone', 9],
  ]);
  const query = feedQuery(0, { taste: tasteOf(retrieval, { videos, step: 'vector' }) });
  await taste.hydrate(query, query.candidates);
  return query.candidates.taste;
}

test('a viewer has his vector whether the thread of the index answers, fails or is late', async () => {
  const vector = new FoldIn(model).user(Int32Array.of(1, 3), Float32Array.of(1, 0.5));
  expect(await tasteBy(index)).toEqual(vector);
  expect(await tasteBy({ locate: () => Promise.reject(new Error('the thread ended')) })).toEqual(vector);
  expect(await tasteBy({ locate: () => new Promise(() => {}) })).toEqual(vector);
});

test('of whom nothing is known there is no vector, not even that of the request before', async () => {
  const query = feedQuery(0);
  query.candidates.taste = Float32Array.of(1);
  await taste.hydrate(query, query.candidates);
  expect(query.candidates.taste).toBeNull();
});
