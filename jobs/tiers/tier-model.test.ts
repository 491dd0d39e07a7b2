import { expect, test } from 'vitest';
import { Random } from '../engine/random.ts';
import { type EarlyLife, fitTiers } from './tier-model.ts';

/** Videos whose first half hour is mostly luck, and whose day follows from how they are completed and liked. */
function lives(count: number, seed: number): EarlyLife[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const quality = random.next() ** 2;
    const luck = Math.exp(1.2 * random.normal());
    const watches = Math.round(20 * luck * (0.5 + quality));
    const of = (rate: number) => Math.round(watches * Math.min(1, Math.max(0, rate + (0.3 * random.normal()) / Math.sqrt(watches + 1))));
    const completed = of(0.2 + 0.6 * quality);
    return {
      videoId: `v${i}`,
      publishedAt: i,
      watches,
      viewers: watches,
      completed,
      early: of(0.4 - 0.3 * quality),
      likes: of(0.1 * quality),
      shares: of(0.02 * quality),
      lately: Math.round(watches / 3),
      creator: 50 * random.next(),
      later: Math.round(watches ** 0.4 * Math.exp(4 * quality + 0.3 * random.normal())),
    };
  });
}

test('what is called warm is so more often than by watches alone', () => {
  const model = fitTiers(lives(4_000, 3));
  expect(model?.precision.warm).toBeGreaterThan((model?.trivial.warm ?? 1) + 0.1);
});

test('shares of the tiers are as asked for, and a video that is completed more is expected to be watched more', () => {
  const all = lives(4_000, 4);
  const model = fitTiers(all);
  if (!model) throw new Error('there is a model');
  const tiers = all.map((v) => model.tierOf(model.expected(v)));
  expect(tiers.filter((t) => t === 'hot').length).toBe(4);
  expect(tiers.filter((t) => t !== 'cold').length / tiers.length).toBeCloseTo(0.1, 2);
  const video = { ...(all[0] as EarlyLife), watches: 100, viewers: 100, completed: 30 };
  expect(model.expected({ ...video, completed: 80 })).toBeGreaterThan(model.expected(video));
});

test('few videos, or none whose day is over, make no model', () => {
  expect(fitTiers(lives(99, 1))).toBeNull();
  expect(fitTiers(lives(500, 1).map((v) => ({ ...v, later: null })))).toBeNull();
});
