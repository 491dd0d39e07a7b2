import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '#infra/config.ts';
import { Random } from '../engine/random.ts';
import { type Logged, meanOf, offPolicy } from './off-policy.ts';
import { type Draws, estimates } from './off-policy-report.ts';
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

test('draws of a slot by lot say what its best, its best three and its best ten bring', () => {
  const random = new Random(8);
  const worthAt = (offered: number, place: number) => 0.7 - (0.5 * place) / offered;
  const draws = Array.from({ length: 30_000 }, (): Draws => {
    const offered = 8 + Math.floor(random.next() * 8);
    const place = Math.floor(random.next() * offered);
    return { slot: 's', offered, place, reward: random.chance(worthAt(offered, place)) ? 1 : 0, times: 1 };
  });
  // As the warehouse counts them: equal draws are one row.
  const counted = [...Map.groupBy(draws, (d) => `${d.offered} ${d.place} ${d.reward}`).values()].map((same) => ({ ...(same[0] as Draws), times: same.length }));
  const found = estimates(counted);
  const one = (policy: string, estimator: string) => found.find((f) => f.policy === policy && f.estimator === estimator)?.estimate;
  expect(found.map((f) => f.estimate.value)).toEqual(estimates(draws).map((f) => expect.closeTo(f.estimate.value, 9)));
  const sizes = Array.from({ length: 8 }, (_, i) => 8 + i);
  for (const [policy, k] of [
    ['best', 1],
    ['best-three', 3],
    ['best-ten', 10],
  ] as const) {
    const truths = sizes.map((offered) => {
      const places = Array.from({ length: Math.min(k, offered) }, (_, p) => worthAt(offered, p));
      return places.reduce((a, b) => a + b, 0) / places.length;
    });
    const truth = truths.reduce((a, b) => a + b, 0) / truths.length;
    for (const estimator of ['ips', 'snips', 'dr']) expect(Math.abs((one(policy, estimator)?.value ?? 0) - truth), `${policy} ${estimator}`).toBeLessThan(0.03);
  }
  const width = (estimator: string) => (one('best', estimator)?.high ?? 0) - (one('best', estimator)?.low ?? 0);
  expect(width('dr')).toBeLessThan(width('ips'));
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
