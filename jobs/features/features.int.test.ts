import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { s3Lake } from '#infra/warehouse/lake.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { computeAsOf } from '#schemas/features/as-of.ts';
import { entityColumn } from '#schemas/features/sql.ts';
import { engagementViews } from '#schemas/features/views/engagement.ts';
import { featureBucket, snapshotFiles, snapshotStructure, snapshotViews } from '#schemas/tables/feature-files.ts';
import { partition } from '#schemas/tables/lake.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { runTopologies } from '../../topologies/main.ts';
import { logicalHour } from '../engine/job.ts';
import { runNamedJob } from '../main.ts';
import { pointInTimeSql } from './point-in-time.ts';

const config = sharedConfig(inject('stackEnvironment'));
const adapters = connect(config, 'features-test');
const lake = s3Lake(config.s3);
const blobs = new S3Blobs(config.s3);
const run = crypto.randomUUID().slice(0, 8);
const hourMs = 3_600_000;
// A day apart from what other tests write.
const first = logicalHour(Date.now() - 60 * hourMs).getTime();
const hours = 4;

/** Events of entities of this test alone, spread over a few hours. */
const event = (i: number): Engagement => {
  const e = makeEngagement(i, run, 0);
  return {
    ...e,
    userId: `${run}-${e.userId}`,
    videoId: `${run}-${e.videoId}`,
    creatorId: `${run}-${e.creatorId}`,
    occurredAt: first + ((i * 7_919) % (hours * 3_600)) * 1_000,
  };
};
const events: Engagement[] = Array.from({ length: 3_000 }, (_, i) => event(i));
const sent: Engagement[] = [];
let topology: Awaited<ReturnType<typeof runTopologies>>;

async function store(more: readonly Engagement[]): Promise<void> {
  await new EventProducer(adapters).send(engagement, [...more]);
  sent.push(...more);
  await eventually('history has the events', async () => {
    const [row] = await adapters.warehouse.query<{ n: number }>(`SELECT count() AS n FROM engagements WHERE event_id LIKE '${run}-%'`);
    return row?.n === sent.length;
  });
}
beforeAll(async () => {
  topology = await runTopologies(config, 'engagement-history');
  await store(events);
});
afterAll(async () => {
  await topology?.stop();
  await disconnect(adapters);
});

const snapshots = (view: (typeof snapshotViews)[number]) => lake.location(featureBucket, snapshotFiles(view), snapshotStructure(view));
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

/** Every value of every entity of this test in an hour's snapshot, against the plain interpreter. */
async function expectHour(endMs: number): Promise<void> {
  for (const view of snapshotViews) {
    const id = entityColumn(view);
    const rows = await adapters.warehouse.query<Record<string, number> & { entity: string }>(
      `SELECT ${id} AS entity, ${Object.keys(view.columns).join(', ')} FROM ${snapshots(view)} WHERE ${id} LIKE '${run}-%'
       AND event_timestamp = fromUnixTimestamp64Milli(${endMs}) ORDER BY created_timestamp DESC LIMIT 1 BY entity`,
    );
    const changed = sent.filter((e) => e.occurredAt >= endMs - hourMs && e.occurredAt < endMs);
    const expected = computeAsOf(view, sent as never[], (e: Engagement) => e.occurredAt, endMs - 1);
    expect(new Set(rows.map((r) => r.entity))).toEqual(new Set(changed.map((e) => String(e[view.entity as keyof Engagement]))));
    for (const row of rows)
      for (const [name, column] of Object.entries(view.columns)) {
        const value = (expected.get(row.entity) as Record<string, number> | undefined)?.[name] ?? 0;
        // The plain interpreter read one millisecond before the end.
        const aged = column.aggregate === 'decayedSum' ? value * 2 ** (-1 / column.halfLifeMs) : value;
        expect(near(row[name] as number, aged), `${view.name} ${row.entity} ${name}: ${row[name]} is not ${aged}`).toBe(true);
      }
  }
}

test('SQL and TypeScript agree on every signal of every view', async () => {
  const signals = engagementViews.flatMap((view) => {
    if (view.storage === 'packed') return Object.entries(view.columns).map(([name, c]) => ({ name: `${view.name}.${name}`, signal: c.value }));
    return view.storage === 'ranked' ? [{ name: view.name, signal: view.value }] : [];
  });
  expect(signals.length).toBeGreaterThan(40);
  const rows = await adapters.warehouse.query<{ event_id: string; values: number[] }>(
    `SELECT event_id, [${signals.map(({ signal }) => `toFloat64(${signal.sql})`).join(', ')}] AS values FROM engagements WHERE event_id LIKE '${run}-%'`,
  );
  const values = new Map(rows.map((row) => [row.event_id, row.values]));
  for (const e of sent)
    for (const [i, { name, signal }] of signals.entries())
      expect(values.get(e.eventId)?.[i], `${name} of ${JSON.stringify(e)}`).toBeCloseTo(signal(e) as number, 9);
});

test('hourly snapshots equal the plain interpreter, whether from raw history or from the hour before', async () => {
  for (let i = 0; i < hours; i++) {
    expect(await runNamedJob(config, 'offline-features', { hours: [new Date(first + i * hourMs)] })).toMatchObject({ rows: expect.any(Number) });
    await expectHour(first + (i + 1) * hourMs);
  }
  const again = await runNamedJob(config, 'offline-features', { hours: [new Date(first + (hours - 1) * hourMs)] });
  expect(again['rows']).toBe(0);
});

test('states that no later run begins from are removed, and an hour of long ago is still made right', async () => {
  const own = Array.from({ length: hours }, (_, i) => partition(new Date(first + i * hourMs)));
  const states = async () => (await blobs.list(featureBucket, '_states/')).filter((key) => own.some((hour) => key.includes(hour))).length;
  expect(await states()).toBeGreaterThan(3 * snapshotViews.length);
  const later = new Date(first + (hours + 60) * hourMs);
  expect((await runNamedJob(config, 'offline-features', { hours: [later] }))['removed']).toBeGreaterThan(0);
  expect(await states()).toBeLessThanOrEqual(3 * snapshotViews.length);
  await store([{ ...event(11), eventId: `${run}-very-late`, kind: 'like', occurredAt: first + 2 }]);
  await runNamedJob(config, 'offline-features', { hours: [new Date(first + (hours - 1) * hourMs)] });
  for (let i = 0; i < hours; i++) await expectHour(first + (i + 1) * hourMs);
});

test('a late event corrects its own hour and those after it', async () => {
  await store([{ ...event(7), eventId: `${run}-late`, kind: 'share', occurredAt: first + hourMs + 1 }]);
  expect((await runNamedJob(config, 'offline-features', { hours: [new Date(first + (hours - 1) * hourMs)] }))['rows']).toBeGreaterThan(0);
  for (let i = 0; i < hours; i++) await expectHour(first + (i + 1) * hourMs);
});

test('a point-in-time join gives what was known at each label, and a planted future event changes nothing', async () => {
  const sources = snapshotViews.map((view) => ({
    name: view.name,
    rows: snapshots(view),
    entity: entityColumn(view),
    columns: Object.keys(view.columns),
    view,
  }));
  const labels = `(SELECT event_id, user_id, video_id, creator_id, occurred_at AS event_timestamp FROM engagements WHERE event_id LIKE '${run}-%' AND occurred_at >= fromUnixTimestamp64Milli(${first + hourMs}) AND kind != 'report')`;
  type Joined = Record<string, number> & { event_id: string };
  const joined = () => adapters.warehouse.query<Joined>(`SELECT * FROM (${pointInTimeSql(labels, sources)}) ORDER BY event_id`);
  const before = await joined();
  const byId = new Map(sent.map((e) => [e.eventId, e]));
  const known = new Map<number, Map<string, unknown>[]>();
  for (const row of before) {
    const e = byId.get(row.event_id) as Engagement;
    const end = Math.floor(e.occurredAt / hourMs) * hourMs;
    if (!known.has(end))
      known.set(
        end,
        snapshotViews.map((v) => computeAsOf(v, sent as never[], (x: Engagement) => x.occurredAt, end - 1)),
      );
    snapshotViews.forEach((view, i) => {
      const state = known.get(end)?.[i]?.get(String(e[view.entity as keyof Engagement])) as Record<string, number> | undefined;
      for (const [name, column] of Object.entries(view.columns)) {
        const value = (state?.[name] ?? 0) * (column.aggregate === 'decayedSum' ? 2 ** ((end - 1 - e.occurredAt) / column.halfLifeMs) : 1);
        expect(near(row[`${view.name}__${name}`] as number, value), `${view.name}.${name} of ${row.event_id}`).toBe(true);
      }
    });
  }
  expect(before.length).toBeGreaterThan(1_000);
  // An hour after the last label, of every video: had a join looked ahead, every value would move.
  const planted = [...new Set(sent.map((e) => e.videoId))].map((videoId, i) => ({
    ...event(i),
    eventId: `${run}-future-${i}`,
    videoId,
    kind: 'report' as const,
    occurredAt: first + (hours + 1) * hourMs,
  }));
  await store(planted);
  expect((await runNamedJob(config, 'offline-features', { hours: [new Date(first + (hours + 1) * hourMs)] }))['rows']).toBeGreaterThan(0);
  expect(await joined()).toEqual(before);
  // The same event is seen by a label that comes after it.
  const later = `(SELECT video_id, fromUnixTimestamp64Milli(${first + (hours + 3) * hourMs}) AS event_timestamp FROM engagements WHERE event_id = '${run}-future-0')`;
  const [seen] = await adapters.warehouse.query<Joined>(pointInTimeSql(later, sources.slice(0, 1)));
  expect(seen?.['video__reports_d14']).toBeGreaterThan(0.9);
});
