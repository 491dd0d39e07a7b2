import { baseFeatures } from '#schemas/features/ranking.ts';
import { decaySql, entityColumn } from '#schemas/features/sql.ts';
import type { AnyPackedView, RankedView } from '#schemas/features/view.ts';
import { userCreators, userTopics, userTopicsAvoided } from '#schemas/features/views/engagement.ts';
import { snapshotViews } from '#schemas/tables/feature-files.ts';
import { engagements, feedItemsServed, videosPublished } from '#schemas/tables/history.ts';
import { skewTable } from '#schemas/tables/training-files.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';

/** Impressions of an hour that are recomputed. */
const sampleSize = 300;
/** A value differs when it is further than this from the recomputed one, as a share of it. */
const tolerance = 0.01;

/** A logged feature and the same from history, as SQL over a sampled impression `s` and the events `e` that had been appended by then. */
interface Check {
  readonly feature: string;
  readonly sql: string;
}

const eventMs = 'toUnixTimestamp64Milli(e.occurred_at)';
const servedMs = 'toUnixTimestamp64Milli(any(s.served_at))';
/** Sums are expressed at a fixed moment first, because a sum of decayed values decays as one. */
const decayedSum = (value: string, halfLifeMs: number): string =>
  halfLifeMs === Number.POSITIVE_INFINITY
    ? `sum(toFloat64(${value}))`
    : `sum(toFloat64(${value}) * ${decaySql(eventMs, 'toUnixTimestamp64Milli(s.served_at)', halfLifeMs)})`;

function packedChecks(view: AnyPackedView): Check[] {
  return Object.entries(view.columns).flatMap(([name, column]) => {
    const feature = `${view.name}.${name}`;
    if (column.aggregate === 'decayedSum' && baseFeatures.includes(feature)) return [{ feature, sql: decayedSum(column.value.sql, column.halfLifeMs) }];
    return name === 'lastSeenMs' ? [{ feature: 'idleMinutes', sql: `least(10080, greatest(0, ${servedMs} - max(${column.value.sql})) / 60000)` }] : [];
  });
}
// biome-ignore lint/suspicious/noExplicitAny: a view of any event
const rankedCheck = (feature: string, view: RankedView<any>, matches: string): Check => ({
  feature,
  sql: decayedSum(`if(${matches}, ${view.value.sql}, 0)`, view.halfLifeMs),
});

/** Which events belong to an impression, and what is computed from them. */
const groups: readonly { on: string; checks: readonly Check[] }[] = [
  ...snapshotViews.map((view) => ({ on: `e.${entityColumn(view)} = s.${entityColumn(view)}`, checks: packedChecks(view) })),
  {
    on: 'e.user_id = s.user_id',
    checks: [
      rankedCheck('topicAffinity', userTopics, 'has(s.topics, e.topic)'),
      rankedCheck('topicAvoidance', userTopicsAvoided, 'has(s.topics, e.topic)'),
      rankedCheck('creatorAffinity', userCreators, 'e.creator_id = s.creator_id'),
    ],
  },
];

const scratch = 'scratch_skew_sample';

/** A sample that a second run of the hour draws again, with what is needed to find an impression's events. */
const sampleSql = (hour: Date): string => `CREATE TABLE ${scratch} ENGINE = Memory AS
  SELECT s.event_id AS id, s.user_id AS user_id, s.video_id AS video_id, s.occurred_at AS served_at, JSONExtract(s.features, 'Map(String, Float64)') AS logged,
    p.creator_id AS creator_id, p.topics AS topics
  FROM (SELECT * FROM ${feedItemsServed.name} WHERE toStartOfHour(occurred_at) = fromUnixTimestamp64Milli(${hour.getTime()}) AND degraded = 0 AND features != ''
    ORDER BY cityHash64(event_id) LIMIT ${sampleSize}) AS s
  LEFT JOIN (SELECT video_id, argMax(creator_id, occurred_at) AS creator_id, argMax(topics, occurred_at) AS topics FROM ${videosPublished.name} GROUP BY video_id) AS p ON s.video_id = p.video_id`;

interface Skew {
  readonly feature: string;
  readonly rows: number;
  readonly logged: number;
  readonly difference: number;
  readonly differing: number;
}

/** One pass over the events of a group's entities gives every feature of it. */
async function skewOf({ warehouse }: JobPorts, { on, checks }: (typeof groups)[number]): Promise<Skew[]> {
  const measures = checks.map(({ feature }, i) => {
    const [logged, recomputed] = [`logged['${feature}']`, `c${i}`];
    return `[avg(abs(${logged})), avg(abs(${logged} - ${recomputed})), countIf(abs(${logged} - ${recomputed}) > ${tolerance} * greatest(abs(${recomputed}), 0.01)) / count()]`;
  });
  // What serving could know: events that the log had when the response was made.
  const [row] = await warehouse.query<{ n: number; all: [number, number, number][] }>(
    `SELECT count() AS n, [${measures.join(', ')}] AS all FROM (
      SELECT s.id, any(s.logged) AS logged, ${checks.map((c, i) => `${c.sql} AS c${i}`).join(', ')}
      FROM ${scratch} AS s INNER JOIN ${engagements.name} AS e ON ${on} WHERE e.appended_at <= s.served_at GROUP BY s.id)`,
  );
  if (!row || row.n === 0) return [];
  return checks.map(({ feature }, i) => {
    const [logged, difference, differing] = row.all[i] as [number, number, number];
    return { feature, rows: row.n, logged, difference, differing };
  });
}

async function check(ports: JobPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const { warehouse } = ports;
  await warehouse.command(skewTable);
  await warehouse.command(`DROP TABLE IF EXISTS ${scratch}`);
  await warehouse.command(sampleSql(run.hour));
  try {
    const skews: Skew[] = [];
    for (const [i, group] of groups.entries()) {
      skews.push(...(await skewOf(ports, group)));
      run.progress('recompute logged features', i + 1, groups.length);
    }
    const stamps = { hour: Math.floor(run.hour.getTime() / 1_000), checked_at: new Date().toISOString().slice(0, 23) };
    if (!run.dryRun && skews.length > 0)
      await warehouse.insertRows(
        'feature_skew',
        skews.map((skew) => ({ ...stamps, ...skew })),
      );
    const [sampled] = await warehouse.query<{ n: number }>(`SELECT count() AS n FROM ${scratch}`);
    return { rows: sampled?.n ?? 0, features: skews.length, worstShareDiffering: Math.max(0, ...skews.map((s) => s.differing)) };
  } finally {
    await warehouse.command(`DROP TABLE IF EXISTS ${scratch}`);
  }
}

export const skewCheck: Job<JobPorts> = {
  name: 'skew-check',
  doc: 'Recomputes logged features from history and publishes, per feature, how far the two lie apart (table feature_skew).',
  schedule: '45 * * * *',
  inputs: [feedItemsServed.name, engagements.name, videosPublished.name],
  outputs: ['feature_skew'],
  run: check,
};
