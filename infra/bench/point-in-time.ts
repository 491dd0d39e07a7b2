import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type FeatureSource, joinSettings, pointInTimeSql } from '../../jobs/features/point-in-time.ts';
import { connect, disconnect } from '../adapters.ts';
import { S3Blobs } from '../blobs/s3.ts';
import { repoRoot } from '../config.ts';
import { pythonEnvironment } from '../testing/python.ts';
import { startTestStack } from '../testing/test-stack.ts';
import { type Lake, s3Lake } from '../warehouse/lake.ts';
import { type BenchRow, figure, versus } from './row.ts';

const bucket = 'foryou-features';
const columns = Array.from({ length: 10 }, (_, i) => `f${i}`);
const entities = 20_000;
const rowsPerView = 200_000;
const maxViews = 5;

interface Case {
  readonly labels: number;
  readonly views: number;
  /** Feast's file store needs minutes for the largest case: it is measured once there. */
  readonly rounds: number;
}
const cases: readonly Case[] = [
  { labels: 100_000, views: 1, rounds: 7 },
  { labels: 100_000, views: 5, rounds: 3 },
  { labels: 1_000_000, views: 1, rounds: 2 },
  { labels: 1_000_000, views: 5, rounds: 1 },
];
/** So many labels that more of them only take longer: what ours alone holds in memory. */
const manyLabels = [4_000_000, 8_000_000];
const nameOf = ({ labels, views }: Case): string => `pit-${labels / 1_000}k-${views}`;

/** Random rows over ten days. Some share entity and moment: no two were created together, so that there is one answer. */
const featureRows = (v: number): string =>
  `SELECT concat('u', toString(cityHash64(number, ${v}) % ${entities})) AS user_id, toDateTime64(1700000000 + cityHash64(number, ${v}, 1) % 864000, 3, 'UTC') AS event_timestamp,
   event_timestamp + toIntervalMillisecond(number) AS created_timestamp, ${columns.map((c, i) => `cityHash64(number, ${v}, ${i + 2}) % 1000 / 1000 AS ${c}`).join(', ')} FROM numbers(${rowsPerView})`;
const labelRows = (n: number): string =>
  `SELECT concat('u', toString(cityHash64(number, 77) % ${entities})) AS user_id, toDateTime64(1700000000 + cityHash64(number, 78) % 864000, 3, 'UTC') AS event_timestamp, number AS row FROM numbers(${n})`;

const sources = (lake: Lake, views: number): FeatureSource[] =>
  Array.from({ length: views }, (_, v) => ({ name: `view${v}`, rows: lake.location(bucket, `bench/view${v}.parquet`), entity: 'user_id', columns }));

const outKey = 'bench/out.parquet';
const joined = (lake: Lake, labels: number, views: number): string =>
  `INSERT INTO FUNCTION ${lake.location(bucket, outKey)} ${pointInTimeSql(lake.location(bucket, `bench/labels-${labels}.parquet`), sources(lake, views))} SETTINGS s3_truncate_on_insert = 1, ${joinSettings}`;

/** Runs a statement and returns its seconds and the warehouse's peak memory for it. */
async function timed(url: string, sql: string): Promise<{ seconds: number; mb: number }> {
  const began = performance.now();
  const answer = await fetch(`${url}/?wait_end_of_query=1`, { method: 'POST', body: sql });
  if (!answer.ok) throw new Error(await answer.text());
  await answer.text();
  const summary = JSON.parse(answer.headers.get('x-clickhouse-summary') ?? '{}') as { memory_usage?: string };
  return { seconds: (performance.now() - began) / 1_000, mb: Number(summary.memory_usage ?? Number.NaN) / 2 ** 20 };
}

/** Labels joined per second, Parquet in and Parquet out, beside Feast's get_historical_features on the same files. */
export async function pointInTime(say: (line: string) => void): Promise<BenchRow[]> {
  const stack = await startTestStack();
  const adapters = connect(stack.config, 'bench');
  const folder = await mkdtemp(join(tmpdir(), 'foryou-feast-'));
  const rows: BenchRow[] = [];
  try {
    const python = await pythonEnvironment(stack.config.cacheDir, 'interop-1', join(repoRoot, 'infra/interop/requirements.txt'));
    const lake = s3Lake(stack.config.s3);
    const make = async (name: string, sql: string) => {
      await adapters.warehouse.command(`INSERT INTO FUNCTION ${lake.location(bucket, `bench/${name}.parquet`)} ${sql}`);
      await writeFile(join(folder, `${name}.parquet`), (await new S3Blobs(stack.config.s3).get(bucket, `bench/${name}.parquet`)) as Buffer);
    };
    for (let v = 0; v < maxViews; v++) await make(`view${v}`, featureRows(v));
    for (const n of new Set(cases.map((c) => c.labels))) await make(`labels-${n}`, labelRows(n));
    for (const one of cases) rows.push(...(await compare(one, { url: stack.config.clickhouseUrl, lake, python, folder, say })));
    for (const labels of manyLabels) {
      await adapters.warehouse.command(`INSERT INTO FUNCTION ${lake.location(bucket, `bench/labels-${labels}.parquet`)} ${labelRows(labels)}`);
      const { seconds, mb } = await timed(stack.config.clickhouseUrl, joined(lake, labels, maxViews));
      say(`  ${labels / 1e6} million labels, ${maxViews} views: ${seconds.toFixed(0)} s, ${mb.toFixed(0)} MB`);
      rows.push(figure(`pit-${labels / 1_000}k-${maxViews}-mb`, 'MB', null, [mb]));
    }
  } finally {
    await disconnect(adapters);
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return rows;
}

interface Setting {
  readonly url: string;
  readonly lake: Lake;
  readonly python: string;
  readonly folder: string;
  readonly say: (line: string) => void;
}

async function compare(one: Case, { url, lake, python, folder, say }: Setting): Promise<BenchRow[]> {
  const out = lake.location(bucket, outKey);
  const ours: { seconds: number; mb: number }[] = [];
  for (let round = 0; round < Math.max(3, one.rounds); round++) ours.push(await timed(url, joined(lake, one.labels, one.views)));
  const answer = await fetch(`${url}/`, { method: 'POST', body: `SELECT sum(view0__f0) FROM ${out}` });
  const sum = Number(await answer.text());
  const result: BenchRow[] = [];
  const speed = (seconds: number): number => one.labels / seconds;
  for (const [kind, target] of [
    ['file', 10],
    ['duckdb', 2],
  ] as const) {
    const args = [join(repoRoot, 'infra/bench/feast_join.py'), folder, kind, String(one.labels), String(one.views), String(one.rounds)];
    const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 1 << 26 });
    const feast = JSON.parse(stdout.trim().split('\n').at(-1) as string) as { seconds: number[]; rows: number; sum: number };
    // The file store drops labels that repeat an entity and a moment; the other answers for every label, as we do.
    if (kind === 'duckdb' && Math.abs(feast.sum - sum) > 1e-6 * sum) throw new Error(`the joins differ: ${sum} here, ${feast.sum} there`);
    say(
      `  ${nameOf(one)}: ours ${ours.map((o) => o.seconds.toFixed(2)).join(' ')} s, Feast ${kind} ${feast.seconds.map((s) => s.toFixed(2)).join(' ')} s, ${feast.rows} rows`,
    );
    result.push(
      versus(
        `${nameOf(one)}-vs-feast-${kind}`,
        'labels/s',
        target,
        ours.map((o) => speed(o.seconds)),
        `Feast, ${kind} store`,
        feast.seconds.map(speed),
      ),
    );
  }
  return [
    ...result,
    figure(
      `${nameOf(one)}-mb`,
      'MB',
      null,
      ours.map((o) => o.mb),
    ),
  ];
}
