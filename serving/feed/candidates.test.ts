import { expect, test } from 'vitest';
import { CandidatePool } from './candidates.ts';

test('requests that run together never share candidates, and those taken again know nothing of the last request', () => {
  const pool = new CandidatePool();
  const [one, two] = [pool.take(), pool.take()];
  one.merge([[1, 2, 3], [3]]);
  two.merge([[7, 8]]);
  one.ways[0] = 2;
  one.score[1] = 5;
  pool.giveBack(one);
  const again = pool.take();
  expect(again).not.toBe(two);
  again.merge([[4], [4, 9]]);
  const rows = Array.from({ length: again.count }, (_, at) => [again.items[at], again.sources[at], again.ways[at], again.score[at]]);
  expect(rows).toEqual([
    [4, 3, 0, 0],
    [9, 2, 0, 0],
  ]);
  expect([...two.items.subarray(0, two.count)]).toEqual([7, 8]);
});
