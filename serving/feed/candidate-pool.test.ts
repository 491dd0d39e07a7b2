import { expect, test } from 'vitest';
import { CandidatePool } from './candidate-pool.ts';

test('requests that run together never share candidates, and one taken again knows nothing', () => {
  const pool = new CandidatePool();
  const [one, two] = [pool.begin(), pool.begin()];
  const take = (from: typeof one, value: number) =>
    Array.from({ length: 1_300 }, (_, i) => {
      const candidate = from.take(`v${i}`);
      candidate.features.fill(value);
      candidate.sources.push('somewhere');
      candidate.fate = { stage: 'dropped', by: 'a filter' };
      return candidate;
    });
  const mine = take(one, 1);
  const theirs = take(two, 2);
  expect(mine.every((c) => c.features.every((v) => v === 1))).toBe(true);
  one.release();
  const again = pool.begin();
  for (let i = 0; i < 1_300; i++) {
    const c = again.take(`w${i}`);
    expect(c).toMatchObject({ id: `w${i}`, sources: [], score: 0, card: null, video: null, outcomes: null, fate: { stage: 'found' } });
    expect(c.features.every((v) => v === 0)).toBe(true);
  }
  expect(theirs.every((c, i) => c.id === `v${i}` && c.features.every((v) => v === 2))).toBe(true);
});
