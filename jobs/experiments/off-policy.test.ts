import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '#infra/config.ts';
import { Random } from '../engine/random.ts';
import { type Logged, meanOf, offPolicy } from './off-policy.ts';
import { estimateFromLogs } from './open-bandit.ts';

const worth = [0.1, 0.3, 0.5, 0.7];
const logging = [0.4, 0.3, 0.2, 0.1];
const target = [0.1, 0.1, 0.2, 0.6];
const truth = worth.reduce((sum, w, a) => sum + w * (target[a] as number), 0);

/** Decisions of the logging policy; the model of rewards says `model` of each action. */
function log(rows: number, seed: number, model: readonly number[] = worth): Logged[] {
  const random = new Random(seed);
  const expectedTarget = model.reduce((sum, m, a) => sum + m * (target[a] as number), 0);
  return Array.from({ length: rows }, () => {
    let [draw, action] = [random.next(), 0];
    while (action < 3 && draw >= (logging[action] as number)) draw -= logging[action++] as number;
    return {
      reward: random.chance(worth[action] as number) ? 1 : 0,
      propensity: logging[action] as number,
      target: target[action] as number,
      expectedLogged: model[action] as number,
      expectedTarget,
    };
  });
}

test('all three come to what the other policy would bring, and a plain mean does not', () => {
  const rows = log(40_000, 1);
  const { ips, snips, dr } = offPolicy(rows);
  for (const estimate of [ips, snips, dr]) {
    expect(estimate.value).toBeCloseTo(truth, 1);
    expect(estimate.low).toBeLessThan(truth);
    expect(estimate.high).toBeGreaterThan(truth);
  }
  expect(Math.abs(meanOf(rows.map((r) => r.reward)).value - truth)).toBeGreaterThan(0.2);
});

test('intervals hold the truth about as often as they say', () => {
  const logs = Array.from({ length: 200 }, (_, seed) => offPolicy(log(600, seed)));
  for (const name of ['ips', 'snips', 'dr'] as const) {
    const share = logs.filter((l) => l[name].low <= truth && truth <= l[name].high).length / logs.length;
    expect(share, name).toBeGreaterThan(0.88);
  }
});

test('a good model of rewards makes the doubly robust estimate the narrowest, and a wrong one does not mislead it', () => {
  const [good, wrong] = [offPolicy(log(5_000, 3)), offPolicy(log(5_000, 3, [0.9, 0.9, 0.1, 0.1]))];
  const width = (e: { low: number; high: number }) => e.high - e.low;
  expect(width(good.dr)).toBeLessThan(width(good.ips));
  expect(wrong.dr.low).toBeLessThan(truth);
  expect(wrong.dr.high).toBeGreaterThan(truth);
});

test('weights that differ are worth fewer decisions, and a propensity of nought is refused', () => {
  expect(offPolicy(log(1_000, 4)).effective).toBeLessThan(700);
  expect(() => offPolicy([{ reward: 1, propensity: 0, target: 1 }])).toThrow(/propensity of 0/);
});

const women = (policy: string) => join(readConfig().sharedData, 'rec/obd', policy, 'women/women.csv');
test('on the Open Bandit data a policy is estimated from the log of another', ({ skip }) => {
  skip(!existsSync(women('random')), 'the Open Bandit data is not beside this checkout');
  const { truth: real, estimate } = estimateFromLogs(women('random'), women('bts'));
  for (const name of ['ips', 'snips', 'dr'] as const) {
    expect(estimate[name].low, name).toBeLessThan(real.value);
    expect(estimate[name].high, name).toBeGreaterThan(real.value);
  }
});
