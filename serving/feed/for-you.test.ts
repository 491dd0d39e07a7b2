import { expect, test } from 'vitest';
import { selection } from '#schemas/config/selection.ts';
import { forYou } from './for-you.ts';
import type { FeedServices } from './query.ts';
import { sourceBit, sourceOrder } from './source-bits.ts';

test('the bits of sources are their places in the pipeline, and slots belong to sources that there are', () => {
  expect(forYou({} as FeedServices).sources.map((s) => s.name)).toEqual(sourceOrder);
  expect(sourceOrder.map(sourceBit)).toEqual(sourceOrder.map((_name, i) => 2 ** i));
  expect(sourceBit('nowhere')).toBe(0);
  expect(selection.slots.filter((s) => sourceBit(s.source) === 0)).toEqual([]);
});
