import { expect, test } from 'vitest';
import { Random } from '../../../jobs/engine/random.ts';
import { kindsOf, TrialAudience } from './trial-audience.ts';

const viewer = (region: string, step: 'newcomer' | 'content' | 'vector', taste: string) =>
  kindsOf({ region, viewer: { step, topics: new Map(taste === '' ? [] : [[taste, 1]]) } as unknown as Parameters<typeof kindsOf>[0]['viewer'] });

type Comes = (random: Random, i: number) => readonly string[];
/** Viewers come, first those who make the platform what it is; who need not wait is shown the video. Returns whom it met. */
function meets(usual: Comes, comes: Comes, viewers: number): (readonly string[])[] {
  const [trials, random, met]: [TrialAudience, Random, (readonly string[])[]] = [new TrialAudience(), new Random(5), []];
  for (let i = 0; i < 1_000; i++) trials.met(usual(random, i));
  for (let i = 0; i < viewers; i++) {
    const kinds = comes(random, i);
    trials.met(kinds);
    if (trials.waits('video', kinds)) continue;
    trials.shown('video', kinds);
    met.push(kinds);
  }
  return met;
}
const shareOf = (met: readonly (readonly string[])[], kind: string) => met.filter((kinds) => kinds.includes(kind)).length / met.length;
const anyTaste: Comes = (random) => viewer('DE', 'vector', random.pick(['music', 'sports', 'food', 'games']));

test('a burst of one kind does not use up a video: it waits until others have seen it', () => {
  const burst = meets(anyTaste, () => viewer('DE', 'vector', 'games'), 100);
  expect(burst.length).toBe(20);
  const afterwards = meets(anyTaste, (random, i) => (i < 100 ? viewer('DE', 'vector', 'games') : anyTaste(random, i)), 200);
  expect(afterwards.length).toBeGreaterThan(90);
  expect(shareOf(afterwards, 'taste games')).toBeLessThan(0.61);
});

test('who is all there is need not wait: a video does not stand still on a platform of one region', () => {
  const alone = () => viewer('DE', 'newcomer', '');
  expect(meets(alone, alone, 300)).toHaveLength(300);
  const mixed: Comes = (random) => viewer('DE', random.chance(0.9) ? 'newcomer' : 'vector', '');
  const mostly = meets(mixed, mixed, 2_000);
  expect(mostly.length).toBeGreaterThan(1_500);
});

test('videos and kinds that nobody asks for any more are forgotten', () => {
  const trials = new TrialAudience();
  for (let i = 0; i < 30_000; i++) {
    const kinds = viewer('DE', 'vector', `taste-${i}`);
    trials.met(kinds);
    trials.shown(`video-${i}`, kinds);
  }
  for (let i = 0; i < 40; i++) trials.shown('one', viewer('FR', 'vector', 'games'));
  expect(trials.waits('one', viewer('FR', 'vector', 'games'))).toBe(true);
  expect(trials.waits('one', viewer('DE', 'newcomer', 'food'))).toBe(false);
  expect(trials.waits('video-1', viewer('DE', 'vector', 'taste-1'))).toBe(false);
});
