import { outcomes } from '#schemas/artifacts/ranker.ts';
import { completedSql, earlySkipSql, watchFractionSql } from '#schemas/events/watch.ts';
import { baseFeatures } from '#schemas/features/ranking.ts';
import { engagements, feedItemsServed } from '#schemas/tables/history.ts';
import {
  featureColumn,
  type ImpressionsManifest,
  impressionsKey,
  impressionsManifestKey,
  impressionsManifestPrefix,
  impressionsStructure,
  outcomeColumn,
  setKey,
  type TrainingSet,
  trainingBucket,
} from '#schemas/tables/training-files.ts';
import { hoursBetween, type Job, type JobRun } from '../engine/job.ts';
import { reportOf } from './report.ts';
import type { TrainingPorts } from './sets.ts';

const hourMs = 3_600_000;
/** Hours that one set looks back over. */
const windowHours = 14 * 24;
/** Hours before the logical one whose impressions are joined in the same run. */
const lookBack = 26;

const at = (ms: number): string => `fromUnixTimestamp64Milli(${Math.floor(ms)})`;

/** Answers by response and video, each with its moment. */
const answersSql = (fromMs: number, toMs: number): string => `SELECT user_id, request_id, video_id, occurred_at AS answered_at, kind,
  ${completedSql} AS complete, ${watchFractionSql} AS watch_fraction, kind = 'share' AS share, kind = 'comment' AS comment, kind = 'follow' AS follow,
  ${earlySkipSql} AS early_skip, kind = 'report' OR kind = 'notInterested' AS report
  FROM ${engagements.name} WHERE request_id != '' AND occurred_at >= ${at(fromMs)} AND occurred_at < ${at(toMs)}`;

/** Impressions of [from, to) with what followed each within the horizon; a like that was taken back is none. */
export function impressionsSql(fromMs: number, toMs: number, horizonMs: number): string {
  const within = `a.answered_at < s.occurred_at + toIntervalMillisecond(${horizonMs})`;
  const best = (column: string) => `toFloat32(maxIf(a.${column}, ${within})) AS y_${column}`;
  return `SELECT s.request_id AS request_id, s.user_id AS user_id, s.video_id AS video_id, any(s.position) AS position, any(s.occurred_at) AS served_at,
    any(s.reason) AS reason, any(s.propensity) AS propensity, any(s.draw_place) AS draw_place, any(s.arm) AS arm, any(s.scorer) AS scorer, toFloat32(any(s.score)) AS score, any(s.index_version) AS index_version, any(s.feature_version) AS feature_version, any(s.features) AS features,
    countIf(a.kind = 'watch' AND ${within}) > 0 AS watched, ${['complete', 'watch_fraction', 'share', 'comment', 'follow', 'early_skip', 'report'].map(best).join(', ')},
    toFloat32(countIf(a.kind = 'like' AND ${within}) > countIf(a.kind = 'unlike' AND ${within})) AS y_like
    FROM ${feedItemsServed.name} AS s LEFT JOIN (${answersSql(fromMs, toMs + horizonMs)}) AS a
      ON s.user_id = a.user_id AND s.request_id = a.request_id AND s.video_id = a.video_id
    WHERE s.occurred_at >= ${at(fromMs)} AND s.occurred_at < ${at(toMs)} AND s.degraded = 0 AND s.features != ''
    GROUP BY s.request_id, s.user_id, s.video_id`;
}

/** What its viewer had before his eyes: it was watched, or something after it in the response was. */
export const reachedSql = (impressions: string): string =>
  `SELECT * FROM (SELECT *, maxIf(position, watched) OVER (PARTITION BY request_id) AS reached FROM (${impressions})) WHERE watched OR position < reached`;

/** The rows of the files: what was watched, and what was passed on the way to something that was. */
const rowsSql = (impressions: string): string => `SELECT request_id, user_id, video_id, position, served_at, arm, scorer, score, index_version, feature_version,
  if(watched, 'watched', 'passed') AS exposure, ${outcomes.map(outcomeColumn).join(', ')}, ${baseFeatures.map((f) => `toFloat32(m['${f}']) AS ${featureColumn(f)}`).join(', ')}
  FROM (SELECT *, JSONExtract(features, 'Map(String, Float64)') AS m FROM (${reachedSql(impressions)}))`;

async function manifestOf({ blobs }: TrainingPorts, hour: Date): Promise<ImpressionsManifest | null> {
  const bytes = await blobs.get(trainingBucket, impressionsManifestKey(hour));
  return bytes && (JSON.parse(bytes.toString()) as ImpressionsManifest);
}

/**
 * Up to which moment of serving the answers can be known: the horizon before what history has surely
 * reached. A warehouse that is behind holds this back, so that no impression loses its answers.
 */
async function knownUntil({ warehouse, horizonMs }: TrainingPorts): Promise<number> {
  const newest = async (table: string) =>
    (await warehouse.query<{ ms: number }>(`SELECT toUnixTimestamp64Milli(max(appended_at)) AS ms FROM ${table}`))[0]?.ms ?? 0;
  return Math.min(await newest(engagements.name), await newest(feedItemsServed.name)) - horizonMs;
}

async function joinHour(ports: TrainingPorts, run: JobRun, hour: Date, untilMs: number): Promise<number> {
  const made = await manifestOf(ports, hour);
  const fromMs = made?.untilMs ?? hour.getTime();
  const toMs = Math.min(hour.getTime() + hourMs, untilMs);
  if (toMs <= fromMs) return 0;
  const impressions = impressionsSql(fromMs, toMs, ports.horizonMs);
  const [found] = await ports.warehouse.query<{ served: number }>(`SELECT count() AS served FROM (${impressions})`);
  if (!found || found.served === 0 || run.dryRun) return found?.served ?? 0;
  const key = impressionsKey(hour, made?.parts.length ?? 0);
  const file = ports.lake.location(trainingBucket, key, impressionsStructure);
  await ports.warehouse.command(
    `INSERT INTO FUNCTION ${file} ${rowsSql(impressions)} ORDER BY served_at, request_id, position SETTINGS s3_truncate_on_insert = 1`,
  );
  const [written] = await ports.warehouse.query<{ n: number }>(`SELECT count() AS n FROM ${file}`);
  const rows = written?.n ?? 0;
  const manifest: ImpressionsManifest = {
    hour: hour.toISOString(),
    untilMs: toMs,
    horizonMs: ports.horizonMs,
    parts: [...(made?.parts ?? []), key],
    rows: (made?.rows ?? 0) + rows,
    notReached: (made?.notReached ?? 0) + found.served - rows,
  };
  run.check();
  await ports.blobs.put(trainingBucket, impressionsManifestKey(hour), Buffer.from(JSON.stringify(manifest)));
  return rows;
}

async function make(ports: TrainingPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const untilMs = await knownUntil(ports);
  const [first] = await ports.warehouse.query<{ ms: number }>(`SELECT toUnixTimestamp64Milli(min(occurred_at)) AS ms FROM ${feedItemsServed.name}`);
  const since = Math.floor((first?.ms ?? 0) / hourMs) * hourMs;
  let added = 0;
  const hours = hoursBetween(new Date(Math.max(since, run.hour.getTime() - lookBack * hourMs)), new Date(run.hour.getTime() + 1));
  for (const [i, hour] of hours.entries()) {
    added += await joinHour(ports, run, hour, untilMs);
    run.progress('join impressions with what followed', i + 1, hours.length);
  }
  if (run.dryRun) return { rows: added };
  const keys = await ports.blobs.list(trainingBucket, impressionsManifestPrefix);
  const oldest = impressionsManifestKey(new Date(run.hour.getTime() - windowHours * hourMs));
  const inWindow = keys.filter((key) => key >= oldest && key <= impressionsManifestKey(run.hour)).sort();
  const manifests = await Promise.all(inWindow.map(async (key) => JSON.parse(String(await ports.blobs.get(trainingBucket, key))) as ImpressionsManifest));
  if (manifests.length === 0) return { rows: 0 };
  const set = await reportOf(ports, run.hour, manifests);
  run.check();
  await ports.blobs.put(trainingBucket, setKey(run.hour), Buffer.from(JSON.stringify(set, null, 1)));
  return summary(set, added);
}

function summary(set: TrainingSet, added: number): Record<string, number> {
  const drifts = Object.values(set.features).flatMap((f) => (f.drift === null ? [] : [f.drift]));
  return {
    rows: set.rows.train + set.rows.validation,
    added,
    validation: set.rows.validation,
    notReached: set.rows.notReached,
    ...Object.fromEntries(Object.entries(set.labelRates).map(([name, rate]) => [`rate_${name}`, rate.train])),
    moved: drifts.filter((d) => d > 0.25).length,
  };
}

export const trainingSet: Job<TrainingPorts> = {
  name: 'training-set',
  doc: 'Joins what was served, with its logged features, to what followed within the horizon, and reports on it.',
  schedule: '40 * * * *',
  inputs: [feedItemsServed.name, engagements.name],
  outputs: [`s3:${trainingBucket}/impressions`, `s3:${trainingBucket}/sets`],
  run: make,
};
