import { expect, test } from 'vitest';
import { Random } from '../engine/random.ts';
import { makeCatalogue, regions, topics } from './catalogue.ts';
import { Viewer } from './viewer.ts';

const viewer = (seed: number) => new Viewer('someone', topics, regions, new Random(seed), seed);
const catalogue = makeCatalogue(300, 1, 0);
const watchAll = (seed: number) => {
  const [person, random] = [viewer(seed), new Random(seed)];
  return catalogue.map((video) => person.watch(video, random));
};

test('the same seed gives the same reactions, another seed others', () => {
  expect(watchAll(5)).toEqual(watchAll(5));
  expect(watchAll(5)).not.toEqual(watchAll(6));
});

test('what appeals more is completed more often', () => {
  const [person, random] = [viewer(9), new Random(9)];
  const ranked = [...catalogue].sort((a, b) => person.appeal(b) - person.appeal(a));
  const completed = (videos: typeof catalogue) =>
    videos.flatMap((v) => Array.from({ length: 20 }, () => person.watch(v, random))).filter((r) => r.completed).length;
  expect(completed(ranked.slice(0, 50))).toBeGreaterThan(2 * completed(ranked.slice(-50)));
});

test('a reaction is possible: never longer than its loops allow, completed only at the end', () => {
  for (const [i, r] of watchAll(3).entries()) {
    const { durationMs } = catalogue[i] as (typeof catalogue)[number];
    expect(r.watchedMs).toBeLessThanOrEqual(durationMs * (1 + r.loops));
    expect(r.completed).toBe(r.watchedMs >= durationMs);
  }
});
