import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { RedisLease } from '#infra/lease/lease.ts';
import { KeyLog } from '#infra/online/key-log.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { s3Lake } from '#infra/warehouse/lake.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { follow } from '#schemas/events/follow.ts';
import { videoErased } from '#schemas/events/video-erased.ts';
import { publishedVideo, videoPublished } from '#schemas/events/video-published.ts';
import { entityOfKey, layoutOf, logLayoutOf } from '#schemas/features/layout.ts';
import { readPacked } from '#schemas/features/read.ts';
import { type AnyView, keptAsLog, type PackedView } from '#schemas/features/view.ts';
import { allViews } from '#schemas/features/views/index.ts';
import { engagements, historyTables } from '#schemas/tables/history.ts';
import { historyBucket, partKey } from '#schemas/tables/lake.ts';
import { createStatements } from '#schemas/tables/table.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { runTopologies } from '../../topologies/main.ts';
import { logicalHour, runJob } from '../engine/job.ts';
import { rollupDifferences } from '../reconcile.ts';
import { makeCatalogue } from '../simulate/catalogue.ts';
import { exportEvents } from './export-events.ts';
import { checksum } from './parts.ts';
import { rebuildOnline } from './rebuild-online.ts';
import { restoreEvents } from './restore-events.ts';

let stack: TestStack;
let ports: ReturnType<typeof open>;
const open = ({ config }: TestStack) => {
  const adapters = connect(config, 'history-test');
  return { ...adapters, lease: new RedisLease(adapters.online.client), blobs: new S3Blobs(config.s3), lake: s3Lake(config.s3) };
};
const hour = logicalHour(Date.now());
let topologies: Awaited<ReturnType<typeof runTopologies>>[] = [];

async function settle(rows: number): Promise<void> {
  const lag = async (table: (typeof historyTables)[number]) => {
    const committed = await ports.log.committedOf(table.group, table.contract.topic);
    return (await ports.log.offsets(table.contract.topic)).every((o) => o.high === 0 || o.high === committed.find((c) => c.partition === o.partition)?.offset);
  };
  await eventually('history has committed everything', async () => (await Promise.all(historyTables.map(lag))).every(Boolean));
  await eventually('the rows are there', async () => (await ports.warehouse.query<{ n: number }>('SELECT count() AS n FROM engagements'))[0]?.n === rows);
}
const send = (from: number, to: number, at: number) =>
  new EventProducer(ports).send(
    engagement,
    Array.from({ length: to - from }, (_, i) => ({ ...makeEngagement(from + i, 'history', at), occurredAt: at - (i % 2_000) })),
  );
const export_ = () => runJob(exportEvents, ports, { hour });

beforeAll(async () => {
  stack = await startTestStack();
  ports = open(stack);
  topologies = [await runTopologies(stack.config, 'history'), await runTopologies(stack.config, 'online')];
  const producer = new EventProducer(ports);
  await producer.send(
    videoPublished,
    makeCatalogue(30, 1, Date.now()).map((v) => ({ ...v, occurredAt: hour.getTime() - 5_000 })),
  );
  await producer.send(
    follow,
    Array.from({ length: 20 }, (_, i) => ({
      eventId: `follow-${i}`,
      userId: `u${i % 5}`,
      creatorId: `c${i}`,
      kind: 'follow' as const,
      occurredAt: hour.getTime() - 60_000,
    })),
  );
  await send(0, 500, hour.getTime() - 10_000);
  await send(500, 1_000, hour.getTime() - 3_600_000 - 10_000);
  await settle(1_000);
});
afterAll(async () => {
  for (const t of topologies) await t.stop();
  if (ports) await disconnect(ports);
  await stack?.stop();
});

test('each hour becomes one part, a second run changes nothing, a late event makes another part of its own hour', async () => {
  expect(await runJob(exportEvents, ports, { hour, dryRun: true })).toMatchObject({ rows: 1_050 });
  expect(await ports.blobs.list(historyBucket, '')).toEqual([]);
  expect(await export_()).toMatchObject({ rows: 1_050, parts: 4 });
  expect(await export_()).toEqual({ rows: 0, parts: 0, redacted: 0 });
  await send(1_000, 1_010, hour.getTime() - 3_600_000 - 10_000);
  await settle(1_010);
  expect(await export_()).toEqual({ rows: 10, parts: 1, redacted: 0 });
  const late = partKey(engagements, new Date(hour.getTime() - 2 * 3_600_000), 1);
  expect(await ports.blobs.list(historyBucket, 'engagement/')).toContain(late);
  // A wildcard over all parts is the table.
  const compare = (source: string) => ports.warehouse.query(`SELECT count() AS n, ${checksum(engagements)} AS sum FROM ${source}`);
  expect(await compare(ports.lake.location(historyBucket, 'engagement/*/*/*.parquet'))).toEqual(await compare('engagements'));
});

test('after jobs were away for days, and after a run that did not come to its end, nothing is left out', async () => {
  const days = new Date(hour.getTime() + 5 * 86_400_000);
  await send(1_020, 1_025, hour.getTime() - 30_000);
  await settle(1_025 - 10);
  expect(await runJob(exportEvents, ports, { hour: days })).toEqual({ rows: 5, parts: 1, redacted: 0 });
  await send(1_025, 1_030, hour.getTime() - 30_000);
  await settle(1_030 - 10);
  const { blobs } = ports;
  const dying = { get: blobs.get.bind(blobs), put: async () => Promise.reject(new Error('killed before the manifest')) };
  const ended = { ...ports, blobs: dying as unknown as typeof blobs };
  await expect(runJob(exportEvents, ended, { hour: days })).rejects.toThrow('killed before the manifest');
  expect(await runJob(exportEvents, ports, { hour: days })).toEqual({ rows: 5, parts: 1, redacted: 0 });
});

test('a part that no manifest names is not counted, and is written again', async () => {
  await send(1_010, 1_020, hour.getTime() - 20_000);
  await settle(1_030);
  const key = partKey(engagements, new Date(hour.getTime() - 3_600_000), 3);
  await ports.blobs.put(historyBucket, key, Buffer.from('half of a Parquet file'));
  expect(await export_()).toEqual({ rows: 10, parts: 1, redacted: 0 });
  expect(await ports.warehouse.query(`SELECT count() AS n FROM ${ports.lake.location(historyBucket, key)}`)).toEqual([{ n: 10 }]);
});

test('an empty ClickHouse comes back whole, views included; a damaged part is refused', async () => {
  for (const t of topologies.splice(0)) await t.stop();
  const all = () => Promise.all(historyTables.map((t) => ports.warehouse.query(`SELECT count() AS n, ${checksum(t)} AS sum FROM ${t.name}`)));
  const before = await all();
  for (const table of historyTables)
    for (const name of [...table.rollups.flatMap((r) => [`${r.name}_mv`, r.name]), table.name]) await ports.warehouse.command(`DROP TABLE ${name} SYNC`);
  for (const statement of historyTables.flatMap(createStatements)) await ports.warehouse.command(statement);
  const key = partKey(engagements, new Date(hour.getTime() - 3_600_000), 0);
  const whole = (await ports.blobs.get(historyBucket, key)) as Buffer;
  await ports.blobs.put(historyBucket, key, (await ports.blobs.get(historyBucket, partKey(engagements, new Date(hour.getTime() - 3_600_000), 1))) as Buffer);
  await expect(runJob(restoreEvents, ports, { hour })).rejects.toMatchObject({ code: 'artifact-refused' });
  await ports.blobs.put(historyBucket, key, whole);
  await runJob(restoreEvents, ports, { hour });
  expect(await all()).toEqual(before);
  expect(await rollupDifferences(ports.warehouse)).toBe(0);
  expect(await runJob(restoreEvents, ports, { hour })).toEqual({ rows: 0, parts: 0 });
});

test('an empty Redis comes back from history with the values that the stream gave, and the stream goes on behind', async () => {
  const client = ports.online.client;
  const dump = async () => {
    const keys = (await client.keys('{s*')).sort();
    const values = await Promise.all(
      keys.map(async (key) =>
        (await client.type(key)) === 'zset' ? client.zrange(key, '0', '-1', 'WITHSCORES') : (await client.type(key)) === 'hash' ? null : client.getBuffer(key),
      ),
    );
    return new Map(keys.map((key, i) => [key, asRead(key, values[i])]));
  };
  const before = await dump();
  expect([...before.keys()].filter((k) => allViews.some((v) => k.includes(`}:${v.name}:`))).length).toBeGreaterThan(300);
  await client.flushdb();
  await runJob(rebuildOnline, ports, { hour });
  expect(differences(before, await dump())).toEqual([]);
  topologies = [await runTopologies(stack.config, 'online')];
  await send(1_030, 1_040, hour.getTime() - 5_000);
  await eventually('the stream goes on', async () => {
    const marks = await ports.online.watermarks({ group: 'engagement-online', topic: 'engagement', partition: 0 });
    return Math.min(...marks.flat()) === (await ports.log.offsets('engagement')).find((o) => o.partition === 0)?.high;
  });
});

type Value = Buffer | Float64Array | string[] | null | undefined;
type Dumped = Map<string, Value>;
/** The sums of a packed value may be expressed at one moment or another, those of a log be in one entry or many: what they say now is compared. */
function asRead(key: string, value: Value): Value {
  const logged = (allViews as readonly AnyView[]).filter(keptAsLog).filter((v) => v.kept.log === entityOfKey(key).view);
  if (value instanceof Buffer && logged.length > 0)
    return logged.flatMap((v) => [...new KeyLog(logLayoutOf(v), value).scores()].sort().flatMap(([name, score]) => [name, String(score)]));
  const view = allViews.find((v) => v.storage === 'packed' && v.name === entityOfKey(key).view);
  if (!view || !(value instanceof Buffer)) return value;
  const columns = new Float64Array(layoutOf(view).slots.length);
  readPacked(view as PackedView<never>, value, hour.getTime() + 7_200_000, columns);
  return columns;
}

/** Keys whose values differ by more than the order of additions explains. */
function differences(a: Dumped, b: Dumped): string[] {
  const near = (x: number, y: number) => Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x));
  const equal = (x: Value, y: Value): boolean => {
    if (!x || !y) return !x === !y;
    if (x instanceof Buffer) return x.equals(y as Buffer);
    if (x instanceof Float64Array) return x.every((v, i) => near(v, (y as Float64Array)[i] as number));
    const scores = (list: readonly string[]) => new Map(list.flatMap((_v, i) => (i % 2 === 0 ? [[list[i] as string, Number(list[i + 1])] as const] : [])));
    const [sx, sy] = [scores(x as string[]), scores(y as string[])];
    return sx.size === sy.size && [...sx].every(([k, v]) => near(v, sy.get(k) ?? Number.NaN));
  };
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => !equal(a.get(key), b.get(key)));
}

test('what a creator deleted goes from parts that were exported before, whatever ends the job between', async () => {
  topologies.push(await runTopologies(stack.config, 'history'));
  const at = hour.getTime() - 3 * 3_600_000;
  const secret = 'my sister at the lake';
  const producer = new EventProducer(ports);
  const published = (videoId: string, caption: string) =>
    publishedVideo({
      eventId: `${videoId}-p`,
      videoId,
      creatorId: 'c',
      occurredAt: at,
      durationMs: 9_000,
      caption,
      topics: ['lake'],
      vectorModel: 'm',
      visualVector: 'x',
    });
  await producer.send(videoPublished, [published('deleted', secret), published('kept', 'a bridge')]);
  await settle(1_040);
  await export_();
  const folder = `video-published/dt=${new Date(at).toISOString().slice(0, 10)}/hour=${new Date(at).toISOString().slice(11, 13)}/`;
  const captions = async () =>
    (await ports.warehouse.query<{ caption: string }>(`SELECT caption FROM ${ports.lake.location(historyBucket, `${folder}*.parquet`)} ORDER BY caption`)).map(
      (r) => r.caption,
    );
  expect(await captions()).toEqual(['a bridge', secret]);
  const [before] = await ports.blobs.list(historyBucket, folder);

  // As the topology of deletions leaves it.
  await ports.warehouse.command(
    "ALTER TABLE videos_published UPDATE caption = '', topics = [], visual_vector = '' WHERE video_id = 'deleted' SETTINGS mutations_sync = 2",
  );
  await producer.send(videoErased, [{ eventId: 'deleted/erased', videoId: 'deleted', occurredAt: Date.now(), objects: 1, rows: 1, shared: 0 }]);
  await settle(1_040);
  const { blobs } = ports;
  for (const step of ['put', 'remove'] as const) {
    const dying = Object.assign(Object.create(blobs) as typeof blobs, {
      get: blobs.get.bind(blobs),
      list: blobs.list.bind(blobs),
      put: step === 'put' ? async () => Promise.reject(new Error('killed')) : blobs.put.bind(blobs),
      remove: async () => Promise.reject(new Error('killed')),
    });
    await expect(runJob(exportEvents, { ...ports, blobs: dying }, { hour })).rejects.toThrow('killed');
  }
  await export_();
  expect(await captions()).toEqual(['', 'a bridge']);
  const left = await ports.blobs.list(historyBucket, folder);
  expect(left).toHaveLength(1);
  expect(left).not.toContain(before);
  expect((await ports.blobs.get(historyBucket, left[0] as string))?.includes(secret)).toBe(false);
  expect(await export_()).toEqual({ rows: 0, parts: 0, redacted: 0 });
});
