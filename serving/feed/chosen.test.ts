import { expect, test } from 'vitest';
import { rankingFeature } from '#schemas/features/ranking.ts';
import { rowWidth } from './candidates.ts';
import { chosen, shown } from './chosen.ts';
import { feedQuery } from './testing.ts';

const similarity = rankingFeature('similarity');

function three() {
  const query = feedQuery(3);
  const { candidates, videos } = query;
  candidates.merge([videos.numbers(['v0', 'v1', 'v2'])]);
  videos.gather(candidates.items, 3, candidates.facts);
  return { query, candidates, videos, list: chosen(query, candidates, Int32Array.of(0, 1, 2), () => []) };
}

test('a video that is removed after it was chosen has no card any more', () => {
  const { list, videos } = three();
  expect(list.map((c) => [c.id, c.card?.creatorId])).toEqual([
    ['v0', 'creator-0'],
    ['v1', 'creator-1'],
    ['v2', 'creator-2'],
  ]);
  videos.learn(videos.number('v1'), 2, null);
  expect(list.map((c) => c.card !== null)).toEqual([true, false, true]);
});

test('what is shown keeps its card and its features when the columns serve another request', () => {
  const { candidates, list, videos } = three();
  candidates.features[2 * rowWidth + similarity] = 0.5;
  const kept = list.map(shown)[2];
  candidates.features.fill(0);
  videos.learn(videos.number('v2'), 2, null);
  expect([kept?.id, kept?.card?.creatorId, kept?.features[similarity], kept?.feature(similarity)]).toEqual(['v2', 'creator-2', 0.5, 0.5]);
});
