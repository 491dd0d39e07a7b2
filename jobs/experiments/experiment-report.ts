import { completedSql, earlySkipSql, watchFractionSql } from '#schemas/events/watch.ts';
import { engagements, feedItemsServed } from '#schemas/tables/history.ts';
import { armMetricsTable } from '#schemas/tables/reports.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';

const dayMs = 86_400_000;
const at = (ms: number): string => `fromUnixTimestamp64Milli(${ms})`;

/** A metric is a ratio of two sums per viewer, so that viewers, who were dealt to the arms, are what varies. */
const metrics: Readonly<Record<string, readonly [part: string, whole: string]>> = {
  completion_rate: [`sum(kind = 'watch' AND ${completedSql})`, "sum(kind = 'watch')"],
  watch_fraction: [`sum(if(kind = 'watch', ${watchFractionSql}, 0))`, "sum(kind = 'watch')"],
  early_skip_rate: [`sum(kind = 'watch' AND ${earlySkipSql})`, "sum(kind = 'watch')"],
  likes_per_watch: ["sum(kind = 'like') - sum(kind = 'unlike')", "sum(kind = 'watch')"],
  shares_per_watch: ["sum(kind = 'share')", "sum(kind = 'watch')"],
  reports_per_watch: ["sum(kind = 'report' OR kind = 'notInterested')", "sum(kind = 'watch')"],
  seconds_per_viewer: ['sum(watched_ms) / 1000', '1'],
  watches_per_viewer: ["sum(kind = 'watch')", '1'],
};

/** Sums over viewers of both parts and their squares: enough for the ratio and, by the delta method, its spread. */
const metricSql = (name: string, [part, whole]: readonly [string, string], source: string): string =>
  `SELECT experiment, '${name}' AS metric, n AS viewers, sx / sy AS value,
     1.96 * sqrt(greatest(0, sxx - 2 * (sx / sy) * sxy + (sx / sy) * (sx / sy) * syy)) / abs(sy) AS half
   FROM (SELECT experiment, count() AS n, sum(x) AS sx, sum(y) AS sy, sum(x * x) AS sxx, sum(x * y) AS sxy, sum(y * y) AS syy
     FROM (SELECT experiment, user_id, toFloat64(${part}) AS x, toFloat64(${whole}) AS y FROM (${source}) GROUP BY experiment, user_id) GROUP BY experiment) WHERE sy != 0`;

async function report({ warehouse }: JobPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const toMs = run.hour.getTime() + 3_600_000;
  const answers = `SELECT arrayJoin(splitByChar(' ', toString(arm))) AS experiment, * FROM ${engagements.name}
    WHERE arm != '' AND occurred_at >= ${at(toMs - dayMs)} AND occurred_at < ${at(toMs)}`;
  await warehouse.command(armMetricsTable);
  const rows = Object.entries(metrics).map(([name, parts]) => metricSql(name, parts, answers));
  const found = await warehouse.query<{ arms: number; served: number }>(
    `SELECT uniqExact(arm) AS arms, count() AS served FROM ${feedItemsServed.name} WHERE occurred_at >= ${at(toMs - dayMs)} AND occurred_at < ${at(toMs)}`,
  );
  if (run.dryRun) return { arms: found[0]?.arms ?? 0 };
  await warehouse.command(
    `INSERT INTO arm_metrics SELECT ${at(run.hour.getTime())}, splitByChar(':', experiment)[1], splitByChar(':', experiment)[2], metric, viewers, value, value - half, value + half
     FROM (${rows.join(' UNION ALL ')})`,
  );
  return { arms: found[0]?.arms ?? 0, rows: rows.length, served: found[0]?.served ?? 0 };
}

export const experimentReport: Job<JobPorts> = {
  name: 'experiment-report',
  doc: 'Compares the arms of every experiment over the last day, with confidence intervals over viewers.',
  schedule: '20 * * * *',
  inputs: [engagements.name, feedItemsServed.name],
  outputs: ['arm_metrics'],
  run: report,
};
