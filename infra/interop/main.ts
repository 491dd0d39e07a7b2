import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { outcomes } from '#schemas/artifacts/ranker.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { feedServed } from '#schemas/events/feed-served.ts';
import { rankingFeatures } from '#schemas/features/ranking.ts';
import { entityColumn } from '#schemas/features/sql.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { featureBucket, snapshotFiles, snapshotStructure } from '#schemas/tables/feature-files.ts';
import { featureColumn, trainingBucket } from '#schemas/tables/training-files.ts';
import { logicalHour } from '../../jobs/engine/job.ts';
import { writeFeastRepository } from '../../jobs/features/feast-repository.ts';
import { pointInTimeSql } from '../../jobs/features/point-in-time.ts';
import { addModel, runNamedJob } from '../../jobs/main.ts';
import { impressionsOf, newestSet } from '../../jobs/training/sets.ts';
import { runTopologies } from '../../topologies/main.ts';
import { connect, disconnect } from '../adapters.ts';
import { S3Blobs } from '../blobs/s3.ts';
import { repoRoot } from '../config.ts';
import { OnnxRuntime } from '../inference/onnx-runtime.ts';
import { RowModel, rowsOf } from '../inference/row-model.ts';
import { EventProducer } from '../producer/producer.ts';
import { pythonEnvironment } from '../testing/python.ts';
import { eventually, startTestStack, type TestStack } from '../testing/test-stack.ts';
import { s3Lake } from '../warehouse/lake.ts';
import { answers, impressions } from './events.ts';

/** Features that the model of the other tool looks at. */
const chosen = ['topicAffinity', 'video.completes_d1', 'video.watches_d1', 'user.watches_d14', 'ageHours'];

const hourMs = 3_600_000;
let failed = 0;
function say(check: string, ok: boolean, detail: string): void {
  if (!ok) failed++;
  console.log(`${ok ? 'ok    ' : 'FAILED'}  ${check}: ${detail}`);
}

/** Viewers who were served and answered, in history, with snapshots and a training set made of them. */
async function makeData({ config }: TestStack, adapters: ReturnType<typeof connect>): Promise<Date> {
  const topologies = [await runTopologies(config, 'engagement-history'), await runTopologies(config, 'feed-served-history')];
  const hour = logicalHour(Date.now() - 2 * hourMs);
  const served = impressions(hour.getTime());
  const given = answers(served);
  const producer = new EventProducer(adapters);
  await producer.send(feedServed, served);
  await producer.send(engagement, given);
  await eventually('history has both', async () => {
    const [row] = await adapters.warehouse.query<{ s: number; e: number }>(
      'SELECT (SELECT count() FROM feed_items_served) AS s, (SELECT count() FROM engagements) AS e',
    );
    return row?.s === served.length && row.e === given.length;
  });
  for (const topology of topologies) await topology.stop();
  for (const at of [hour, new Date(hour.getTime() + hourMs)]) await runNamedJob(config, 'offline-features', { hours: [at] });
  await runNamedJob(config, 'training-set', { hours: [hour] });
  return hour;
}

/** Files that the other side opens: the repository, labels with our join of them, impressions. */
async function writeFiles({ config }: TestStack, adapters: ReturnType<typeof connect>, hour: Date, folder: string): Promise<void> {
  const blobs = new S3Blobs(config.s3);
  const lake = s3Lake(config.s3);
  await writeFeastRepository(blobs, folder);
  const write = async (name: string, sql: string) => {
    await adapters.warehouse.command(
      `INSERT INTO FUNCTION ${lake.location(trainingBucket, `interop/${name}.parquet`)} ${sql} SETTINGS s3_truncate_on_insert = 1`,
    );
    await writeFile(join(folder, `${name}.parquet`), (await blobs.get(trainingBucket, `interop/${name}.parquet`)) as Buffer);
  };
  await write(
    'labels',
    "SELECT video_id, toDateTime64(occurred_at + 3600, 3, 'UTC') AS event_timestamp, rowNumberInAllBlocks() AS row FROM engagements LIMIT 1000",
  );
  const source = {
    name: 'video',
    rows: lake.location(featureBucket, snapshotFiles(videoView), snapshotStructure(videoView)),
    entity: entityColumn(videoView),
    columns: Object.keys(videoView.columns),
  };
  await write('joined', pointInTimeSql(lake.location(trainingBucket, 'interop/labels.parquet'), [source]));
  await write('impressions', `SELECT * FROM ${impressionsOf({ lake }, (await newestSet({ blobs }, hour)).parts)}`);
  await writeFile(join(folder, 'features.json'), JSON.stringify(chosen.map((feature) => ({ feature, column: featureColumn(feature) }))));
}

async function runPython(python: string, folder: string): Promise<void> {
  const child = spawn(python, [join(repoRoot, 'infra/interop/interop.py'), folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors = (errors + text).slice(-4_000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{"check"')) return;
    const { check, ok, detail } = JSON.parse(line) as { check: string; ok: boolean; detail: string };
    say(check, ok, detail);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) say('python', false, errors);
}

/** The model of the other tool predicts the same here, and passes the gate like one of ours. */
async function tryModel({ config }: TestStack, folder: string): Promise<void> {
  const bytes = await readFile(join(folder, 'model.onnx'));
  const probe = JSON.parse(await readFile(join(folder, 'probe.json'), 'utf8')) as { rows: number[][]; complete: number[] };
  const model = await RowModel.load(new OnnxRuntime(), bytes, { known: rankingFeatures, predicted: outcomes });
  const rows = probe.rows.map((values) => {
    const row = new Float32Array(rankingFeatures.length);
    values.forEach((value, i) => {
      row[rankingFeatures.indexOf(chosen[i] as string)] = value;
    });
    return row;
  });
  const { complete } = await model.predict(rowsOf(rows));
  await model.release();
  const worst = Math.max(...probe.complete.map((p, i) => Math.abs(p - ((complete as Float32Array)[i] as number))));
  say('a model of scikit-learn predicts the same here', worst < 1e-5, `largest difference ${worst}`);
  const { version, quality, refused } = await addModel(config, bytes);
  say('foryou artifacts add ranker', refused.length === 0, `${version}, AUC ${quality['complete']?.auc.toFixed(3)} ${refused.join('; ')}`);
}

const stack = await startTestStack({ FORYOU_TRAINING_HORIZON_SECONDS: '60' });
const adapters = connect(stack.config, 'interop');
const folder = await mkdtemp(join(tmpdir(), 'foryou-interop-'));
try {
  console.log('setting up Python with Feast and scikit-learn (once)');
  const python = await pythonEnvironment(stack.config.cacheDir, 'interop-1', join(repoRoot, 'infra/interop/requirements.txt'));
  const hour = await makeData(stack, adapters);
  await writeFiles(stack, adapters, hour, folder);
  await runPython(python, folder);
  if (failed === 0) await tryModel(stack, folder);
} finally {
  await disconnect(adapters);
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
