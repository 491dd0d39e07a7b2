import { expect, test } from 'vitest';
import { RowPool } from './rows.ts';

test('rows of requests that run together never share memory, and a row taken again is empty', () => {
  const pool = new RowPool();
  const [one, two] = [pool.begin(), pool.begin()];
  const mine = Array.from({ length: 1_300 }, () => one.take().fill(1));
  const theirs = Array.from({ length: 1_300 }, () => two.take().fill(2));
  expect(mine.every((row) => row.every((v) => v === 1))).toBe(true);
  expect(theirs.every((row) => row.every((v) => v === 2))).toBe(true);
  one.release();
  const again = pool.begin();
  expect(Array.from({ length: 1_300 }, () => again.take()).every((row) => row.every((v) => v === 0))).toBe(true);
  expect(theirs.every((row) => row.every((v) => v === 2))).toBe(true);
});
