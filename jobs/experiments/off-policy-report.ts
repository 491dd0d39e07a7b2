import { engagements, feedItemsServed } from '#schemas/tables/history.ts';
import { offPolicyTable } from '#schemas/tables/reports.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';
import { impressionsSql, reachedSql } from '../training/training-set.ts';
import { type Estimate, type Logged, meanOf, offPolicy } from './off-policy.ts';

const dayMs = 86_400_000;

export interface OffPolicyPorts extends JobPorts {
  /** How long answers are waited for. */
  readonly horizonMs: number;
}

/** Draws of one slot that were alike: from so many, the one at that place by score, and what it brought. */
export interface Draws {
  readonly slot: string;
  readonly offered: number;
  readonly place: number;
  readonly reward: number;
  readonly times: number;
}

/** The chance with which a policy takes the one at `place` by score of `offered`. */
type Policy = (offered: number, place: number) => number;
const bestOf =
  (k: number): Policy =>
  (offered, place) =>
    place < k ? 1 / Math.min(k, offered) : 0;
/** What a slot could do instead of drawing by lot. */
export const policies: Readonly<Record<string, Policy>> = { best: bestOf(1), 'best-three': bestOf(3), 'best-ten': bestOf(10) };

/** Outcomes that are asked about; `watch_fraction` to the hundredth. */
const rewards = ['complete', 'watch_fraction', 'like', 'early_skip'] as const;

const parts = 4;
const imagined = 20;
/** The model of rewards: the mean of each quarter of places, pulled to the mean of all by some imagined draws. */
function expectationOf(draws: readonly Draws[]): (offered: number, place: number) => number {
  const [sums, counts] = [new Float64Array(parts), new Float64Array(parts)];
  const part = (offered: number, place: number) => Math.min(parts - 1, Math.floor((parts * place) / offered));
  for (const { offered, place, reward, times } of draws) {
    const at = part(offered, place);
    sums[at] = (sums[at] as number) + reward * times;
    counts[at] = (counts[at] as number) + times;
  }
  const mean = sums.reduce((a, b) => a + b, 0) / counts.reduce((a, b) => a + b, 0);
  return (offered, place) => {
    const at = part(offered, place);
    return ((sums[at] as number) + imagined * mean) / ((counts[at] as number) + imagined);
  };
}

/** What the draws of one slot brought, and what each policy would have brought in their place. */
export function estimates(draws: readonly Draws[]): { policy: string; estimator: string; effective: number; estimate: Estimate }[] {
  const decisions = draws.reduce((sum, d) => sum + d.times, 0);
  const byLot = meanOf(
    draws.map((d) => d.reward),
    draws.map((d) => d.times),
  );
  const expected = expectationOf(draws);
  const others = Object.entries(policies).flatMap(([policy, chance]) => {
    const log = draws.map(({ offered, place, reward, times }): Logged => {
      const places = Array.from({ length: offered }, (_, p) => p);
      const expectedTarget = places.reduce((sum, p) => sum + chance(offered, p) * expected(offered, p), 0);
      return { reward, times, propensity: 1 / offered, target: chance(offered, place), expectedLogged: expected(offered, place), expectedTarget };
    });
    const { effective, ...found } = offPolicy(log);
    return Object.entries(found).map(([estimator, estimate]) => ({ policy, estimator, effective, estimate }));
  });
  return [{ policy: 'lot', estimator: 'mean', effective: decisions, estimate: byLot }, ...others];
}

/** Draws that their viewers reached, counted by what can be told apart: as many rows as kinds of draws, however many draws. */
const drawsSql = (reward: string, fromMs: number, toMs: number, horizonMs: number): string =>
  `SELECT reason AS slot, toUInt32(round(1 / propensity)) AS offered, toUInt32(draw_place) AS place, round(toFloat64(y_${reward}), 2) AS reward, count() AS times
   FROM (${reachedSql(impressionsSql(fromMs, toMs, horizonMs))}) WHERE propensity < 1 GROUP BY slot, offered, place, reward HAVING place < offered`;

async function report({ warehouse, horizonMs }: OffPolicyPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const toMs = run.hour.getTime() + 3_600_000;
  const rows: Record<string, unknown>[] = [];
  let decisions = 0;
  for (const [i, reward] of rewards.entries()) {
    const draws = (await warehouse.query<Draws>(drawsSql(reward, toMs - dayMs, toMs, horizonMs))).map((d) => ({ ...d, times: Number(d.times) }));
    for (const [slot, own] of Map.groupBy(draws, (d) => d.slot)) {
      const drawn = own.reduce((sum, d) => sum + d.times, 0);
      if (i === 0) decisions += drawn;
      for (const { policy, estimator, effective, estimate } of estimates(own))
        rows.push({ hour: run.hour.getTime() / 1_000, slot, policy, reward, estimator, decisions: drawn, effective, ...estimate });
    }
    run.progress('weigh what was drawn', i + 1, rewards.length);
  }
  if (run.dryRun || rows.length === 0) return { rows: decisions };
  await warehouse.command(offPolicyTable);
  run.check();
  await warehouse.insertRows('off_policy', rows);
  return { rows: decisions, estimates: rows.length };
}

export const offPolicyReport: Job<OffPolicyPorts> = {
  name: 'off-policy-report',
  doc: 'Estimates from the logged draws of the slots what choosing by score would have brought there.',
  schedule: '30 * * * *',
  inputs: [feedItemsServed.name, engagements.name],
  outputs: ['off_policy'],
  run: report,
};
