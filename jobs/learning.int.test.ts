import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { signalValue, signalValueSql } from '#schemas/config/signal-weights.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { publishedVideo, videoPublished } from '#schemas/events/video-published.ts';
import { serve } from '../serving/main.ts';
import { makeEngagement } from '../topologies/faults/events.ts';
import { runTopologies } from '../topologies/main.ts';
import { logicalHour } from './engine/job.ts';
import { listJobs, runNamedJob } from './main.ts';

const config = sharedConfig(inject('stackEnvironment'));
const adapters = connect(config, 'learning-test');
const run = crypto.randomUUID().slice(0, 8);
// Before the current hour by more than the events reach back, so that a whole hour is behind them.
const hour = logicalHour(Date.now());
const events: Engagement[] = Array.from({ length: 2_000 }, (_, i) => ({ ...makeEngagement(i, `learn-${run}`, hour.getTime()), watchedMs: (i * 811) % 30_000 }));
const stops: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  for (const group of ['engagement-history', 'videos-published-history']) stops.push((await runTopologies(config, group)).stop);
  await new EventProducer(adapters).send(engagement, events);
  await eventually(
    'history has the events',
    async () => (await adapters.warehouse.query(`SELECT 1 FROM engagements WHERE event_id LIKE 'learn-${run}-%'`)).length === events.length,
  );
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await disconnect(adapters);
});

test('SQL and TypeScript agree on what an answer is worth', async () => {
  const rows = await adapters.warehouse.query<{ event_id: string; worth: number }>(
    `SELECT event_id, toFloat64(${signalValueSql}) AS worth FROM engagements WHERE event_id LIKE 'learn-${run}-%'`,
  );
  const worth = new Map(rows.map((row) => [row.event_id, row.worth]));
  for (const e of events) expect(worth.get(e.eventId), JSON.stringify(e)).toBeCloseTo(signalValue(e), 9);
});

test('vectors and an index are learnt from history, and serving swaps in each new version by itself', async () => {
  expect(await runNamedJob(config, 'train-vectors', { hours: [hour], dryRun: true })).toMatchObject({ users: expect.any(Number) });
  expect(await runNamedJob(config, 'train-vectors', { hours: [hour] })).toMatchObject({ promoted: 1 });
  const built = await runNamedJob(config, 'build-index', { hours: [hour] });
  expect(built).toMatchObject({ promoted: 1 });
  expect(built['recall']).toBeGreaterThan(0.98);
  stops.push((await serve(config)).stop);
  const version = async () => {
    const answer = await fetch(`http://${config.host}:${config.ports.serving}/readyz`);
    return ((await answer.json()) as { artifacts: { index: string | null } }).artifacts.index;
  };
  await eventually('serving reports a version', async () => (await version()) !== null);
  const first = await version();
  // A video of this hour, liked by a few whom training knows, is in the next index without new training.
  const fresh = `learn-${run}-fresh`;
  const producer = new EventProducer(adapters);
  await producer.send(videoPublished, [
    publishedVideo({
      eventId: `${fresh}-p`,
      videoId: fresh,
      creatorId: 'c',
      occurredAt: Date.now(),
      durationMs: 9_000,
      region: 'DE',
    }),
  ]);
  const likes = events.slice(0, 5).map((e, i) => ({ ...e, eventId: `learn-${run}-like-${i}`, videoId: fresh, kind: 'like' as const, occurredAt: Date.now() }));
  await producer.send(engagement, likes);
  await eventually('history knows of it', async () => {
    const [row] = await adapters.warehouse.query<{ p: number; e: number }>(
      `SELECT (SELECT count() FROM videos_published WHERE video_id = '${fresh}') AS p, (SELECT count() FROM engagements WHERE video_id = '${fresh}') AS e`,
    );
    return row?.p === 1 && row.e === likes.length;
  });
  expect((await runNamedJob(config, 'build-index', { hours: [hour] }))['foldedIn']).toBeGreaterThanOrEqual(1);
  await eventually('serving reports the next version', async () => (await version()) !== first);
  const listed = await listJobs(config);
  expect(listed.find((j) => j.job === 'build-index')).toMatchObject({ status: 'done', late: false });
  expect(listed.filter((j) => j.late)).toEqual([]);
  const inTwoDays = await listJobs(config, Date.now() + 2 * 86_400_000);
  expect(inTwoDays.filter((j) => !j.late && j.next !== '')).toEqual([]);
});
