import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { ArtifactStore } from '#infra/artifacts/store.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { childEnvironment, environmentOf, repoRoot } from '#infra/config.ts';
import { lagOf } from '#infra/log/lag.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { s3Lake } from '#infra/warehouse/lake.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { entityColumn } from '#schemas/features/sql.ts';
import { featureBucket, snapshotFiles, snapshotStructure, snapshotViews } from '#schemas/tables/feature-files.ts';
import { engagements } from '#schemas/tables/history.ts';
import { historyBucket } from '#schemas/tables/lake.ts';
import { makeEngagement } from '../topologies/faults/events.ts';
import { runTopologies } from '../topologies/main.ts';
import { logicalHour } from './engine/job.ts';
import { checksum, structure } from './history/parts.ts';
import { runNamedJob } from './main.ts';

let stack: TestStack;
let adapters: ReturnType<typeof connect>;
const now = logicalHour(Date.now()).getTime();
const hours = 12;
const events: Engagement[] = Array.from({ length: 6_000 }, (_, i) => ({
  ...makeEngagement(i, 'kill', now),
  occurredAt: now - ((i * 7_919) % (hours * 3_600)) * 1_000,
}));

beforeAll(async () => {
  stack = await startTestStack({ FORYOU_JOB_LEASE_MS: '1500' });
  adapters = connect(stack.config, 'jobs-fault-test');
  const topology = await runTopologies(stack.config, 'engagement-history');
  await new EventProducer(adapters).send(engagement, events);
  // Committed, not only stored: what is not settled is not exported.
  await eventually('history is settled', async () => (await lagOf(adapters.log, 'engagement-history', engagement.topic)) === 0);
  await topology.stop();
});
afterAll(async () => {
  if (adapters) await disconnect(adapters);
  await stack?.stop();
});

/** Kills a job -9 as soon as it has reported so many steps; the one before it may still hold its lease for a moment. */
const killAt = (job: string, steps: number) => eventually(`${job} is killed at step ${steps}`, () => killedAt(job, steps));

/** Runs a job in a process of its own. False when it ended before it could be killed. */
async function killedAt(job: string, steps: number): Promise<boolean> {
  const child = spawn(process.execPath, [join(repoRoot, 'infra/cli/main.ts'), 'job', job, '--hour', new Date(now).toISOString().slice(0, 13)], {
    env: { ...childEnvironment(), ...environmentOf(stack.config) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let seen = 0;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('{"job"') && ++seen === steps) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'exit');
  return signal === 'SIGKILL';
}

/** The next run waits for the dead one's lease, as the schedule would. */
const runAgain = (job: string) =>
  eventually(`${job} runs to its end`, async () => {
    await runNamedJob(stack.config, job, { hours: [new Date(now)] });
    return true;
  });

const lake = () => s3Lake(stack.config.s3);

test('export-events killed -9 at several steps: after one more run each row is in one part, and only once', async () => {
  for (const steps of [1, 3, 5]) await killAt('export-events', steps);
  await runAgain('export-events');
  const of = async (source: string) => (await adapters.warehouse.query(`SELECT count() AS n, ${checksum(engagements)} AS sum FROM ${source}`))[0];
  expect(await of(lake().location(historyBucket, 'engagement/**/*.parquet', structure(engagements)))).toEqual(await of('engagements'));
});

test('offline-features killed -9 at several steps: after one more run each changed entity has one row per hour', async () => {
  for (const steps of [1, 2, 5]) await killAt('offline-features', steps);
  await runAgain('offline-features');
  for (const view of snapshotViews) {
    const id = entityColumn(view);
    const [expected] = await adapters.warehouse.query<{ n: number }>(
      `SELECT uniqExact(${id}, toStartOfHour(occurred_at)) AS n FROM engagements WHERE ${id} != ''`,
    );
    const [written] = await adapters.warehouse.query<{ n: number; distinct: number }>(
      `SELECT count() AS n, uniqExact(${id}, event_timestamp) AS distinct FROM ${lake().location(featureBucket, snapshotFiles(view), snapshotStructure(view))}`,
    );
    expect(written).toEqual({ n: expected?.n, distinct: expected?.n });
  }
});

test('train-vectors killed -9 while it trains leaves no version behind, and the next run makes one', async () => {
  await killAt('train-vectors', 2);
  const store = new ArtifactStore(new S3Blobs(stack.config.s3));
  expect(await store.list('vectors')).toEqual([]);
  await runAgain('train-vectors');
  expect((await store.list('vectors')).map((row) => row.running)).toEqual([true]);
});
