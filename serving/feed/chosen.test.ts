import { expect, test } from 'vitest';
import { chosen } from './chosen.ts';
import { feedQuery } from './testing.ts';

test('a video that is removed while the pre-ranker chooses is not shown', () => {
  const query = feedQuery(3);
  const { candidates, videos } = query;
  candidates.merge([videos.numbers(['v0', 'v1', 'v2'])]);
  const list = () => chosen(query, candidates, Int32Array.of(0, 1, 2), () => []).map((c) => [c.id, c.card?.creatorId]);
  expect(list()).toEqual([
    ['v0', 'creator-0'],
    ['v1', 'creator-1'],
    ['v2', 'creator-2'],
  ]);
  videos.learn(videos.number('v1'), 2, null);
  expect(list().map(([id]) => id)).toEqual(['v0', 'v2']);
});
