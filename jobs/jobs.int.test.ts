import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { RedisLease } from '#infra/lease/lease.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { makeEngagement } from '../topologies/faults/events.ts';
import { runTopologies } from '../topologies/main.ts';
import { type Job, runJob } from './engine/job.ts';
import { runSchedule } from './engine/schedule.ts';
import { runNamedJob } from './main.ts';

const config = sharedConfig(inject('stackEnvironment'));
const adapters = connect(config, 'jobs-test');
const ports = { ...adapters, lease: new RedisLease(adapters.online.client), blobs: new S3Blobs(config.s3) };
const hour = new Date(Date.UTC(2026, 0, 1, 5));
let running: Awaited<ReturnType<typeof runTopologies>>;
beforeAll(async () => {
  running = await runTopologies(config, 'engagement');
});
afterAll(async () => {
  await running?.stop();
  await disconnect(adapters);
});

test('reconcile finds nothing wrong when all is well, and a row that was stored twice when it is not', async () => {
  const run = crypto.randomUUID().slice(0, 8);
  const events = Array.from({ length: 50 }, (_, i) => makeEngagement(i, `job-${run}`, Date.now()));
  await new EventProducer(adapters).send(engagement, events);
  const stored = () => adapters.warehouse.query(`SELECT 1 FROM engagements WHERE event_id LIKE 'job-${run}-%'`);
  await eventually('the events are stored', async () => (await stored()).length === 50);
  const clean = { duplicateRows: 0, rollupDifferences: 0, onlineDifference: 0 };
  await eventually('history and online agree', async () => JSON.stringify(await runNamedJob(config, 'reconcile')) === JSON.stringify(clean));
  await adapters.warehouse.command(`INSERT INTO engagements SELECT * FROM engagements WHERE event_id = 'job-${run}-7'`);
  expect((await runNamedJob(config, 'reconcile'))['duplicateRows']).toBe(1);
  await adapters.warehouse.command(`DELETE FROM engagements WHERE event_id = 'job-${run}-7'`);
});

test('a job runs in one place at a time, and every run leaves a row', async () => {
  const name = `slow-${crypto.randomUUID().slice(0, 8)}`;
  const gate = Promise.withResolvers<Record<string, number>>();
  const slow: Job<typeof ports> = { name, doc: '', schedule: '0 * * * *', inputs: [], outputs: [], run: () => gate.promise };
  const first = runJob(slow, ports, { hour });
  await eventually('the lease is taken', async () => (await ports.lease.acquire(`job:${name}`, 1)) === null);
  expect(await runJob(slow, ports, { hour })).toBeNull();
  gate.resolve({ done: 3 });
  expect(await first).toEqual({ done: 3 });
  const failing = { ...slow, run: async () => Promise.reject(new Error('no luck')) };
  await expect(runJob(failing, ports, { hour })).rejects.toThrow('no luck');
  expect(await adapters.warehouse.query(`SELECT status, results, error FROM job_runs WHERE job = '${name}' ORDER BY started_at`)).toEqual([
    { status: 'done', results: { done: 3 }, error: '' },
    { status: 'failed', results: {}, error: 'Error: no luck' },
  ]);
});

test('a run that shall end does so at its next step, gives the lease back and says that it was interrupted', async () => {
  const name = `long-${crypto.randomUUID().slice(0, 8)}`;
  const ending = new AbortController();
  let steps = 0;
  const long: Job<typeof ports> = {
    name,
    doc: '',
    schedule: '0 * * * *',
    inputs: [],
    outputs: [],
    async run(_ports, run) {
      for (; steps < 10; steps++) {
        if (steps === 3) ending.abort();
        run.progress('step', steps, 10);
      }
      return { rows: steps };
    },
  };
  await expect(runJob(long, ports, { hour, signal: ending.signal })).rejects.toMatchObject({ code: 'interrupted' });
  expect(steps).toBe(3);
  expect(await runJob(long, ports, { hour })).toEqual({ rows: 10 });
  expect(await adapters.warehouse.query(`SELECT status FROM job_runs WHERE job = '${name}' ORDER BY started_at`)).toEqual([
    { status: 'interrupted' },
    { status: 'done' },
  ]);
});

test('a scheduler that is stopped waits for the runs that it ended', async () => {
  const name = `tick-${crypto.randomUUID().slice(0, 8)}`;
  const begun = Promise.withResolvers<void>();
  const outcomes: unknown[] = [];
  const endless: Job<typeof ports> = {
    name,
    doc: '',
    schedule: '* * * * * *',
    inputs: [],
    outputs: [],
    async run(_ports, run) {
      begun.resolve();
      for (;;) {
        run.check();
        await new Promise(setImmediate);
      }
    },
  };
  const running = runSchedule([endless], ports, 'test', (_job, outcome) => outcomes.push(outcome));
  await begun.promise;
  await running.stop();
  expect(outcomes).toMatchObject([{ code: 'interrupted' }]);
  const lease = await ports.lease.acquire(`job:${name}`, 1_000);
  await lease?.release();
  expect(lease).not.toBeNull();
});

test('a job that is not there is an error with the names that are', async () => {
  await expect(runNamedJob(config, 'nonsense')).rejects.toMatchObject({ code: 'input-invalid', fix: expect.stringContaining('reconcile') });
});
