import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { type AvroRecord, avroOf } from '#schemas/events/avro.ts';
import { strings, text, timestampMs } from '#schemas/events/contract.ts';
import { follow } from '#schemas/events/follow.ts';
import { createStatements } from '#schemas/tables/table.ts';
import { AvroFile } from '../topologies/engine/avro-file.ts';
import type { Blobs } from './blobs/blobs.ts';
import { MemoryBlobs } from './blobs/memory.ts';
import { S3Blobs } from './blobs/s3.ts';
import { RedisLease } from './lease/lease.ts';
import { ConfluentRegistry } from './registry/confluent.ts';
import { MemoryRegistry } from './registry/memory.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import { MemorySessions } from './sessions/memory.ts';
import { RedisSessions } from './sessions/redis.ts';
import type { SessionStore } from './sessions/sessions.ts';
import { MemoryTelemetry } from './telemetry/memory.ts';
import { PrometheusTelemetry } from './telemetry/prometheus.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { sharedConfig } from './testing/shared-stack.ts';
import { ClickHouseWarehouse } from './warehouse/clickhouse.ts';
import { MemoryWarehouse } from './warehouse/memory.ts';
import type { Warehouse } from './warehouse/warehouse.ts';

const config = sharedConfig(inject('stackEnvironment'));
const redis = new Redis(`${config.redisUrl}/6`);
const clickhouse = new ClickHouseWarehouse(config.clickhouseUrl);
afterAll(async () => {
  await redis.flushdb();
  redis.disconnect();
  await clickhouse.close();
});
const unique = (name: string): string => `${name}_${crypto.randomUUID().replaceAll('-', '')}`;

const registries: [string, SchemaRegistry][] = [
  ['confluent api', new ConfluentRegistry(config.registryUrl)],
  ['memory', new MemoryRegistry()],
];
describe.each(registries)('registry contract: %s', (_name, registry) => {
  const v1: AvroRecord = { type: 'record', name: 'Thing', fields: [{ name: 'id', type: 'string' }] };

  test('registering twice gives one id, and the id gives the schema back', async () => {
    const topic = unique('topic');
    const id = await registry.register(topic, v1);
    expect(await registry.register(topic, v1)).toBe(id);
    expect((await registry.schemaOf(id))?.fields).toMatchObject([{ name: 'id', type: 'string' }]);
  });

  test('a new field with a default passes, one without and a retyped one do not', async () => {
    const topic = unique('topic');
    await registry.register(topic, v1);
    await registry.register(topic, { ...v1, fields: [...v1.fields, { name: 'more', type: 'int', default: 0 }] });
    await expect(registry.register(topic, { ...v1, fields: [...v1.fields, { name: 'must', type: 'int' }] })).rejects.toMatchObject({
      code: 'schema-incompatible',
    });
    await expect(registry.register(topic, { ...v1, fields: [{ name: 'id', type: 'long' }] })).rejects.toMatchObject({ code: 'schema-incompatible' });
  });

  test('an id that nobody registered is null, again and again', async () => {
    expect(await registry.schemaOf(987_654)).toBeNull();
    expect(await registry.schemaOf(987_654)).toBeNull();
  });
});

test('a registry that does not answer is an outage, not an unknown id', async () => {
  await expect(new ConfluentRegistry('http://127.0.0.1:9').schemaOf(1)).rejects.toMatchObject({ code: 'unavailable' });
});

const warehouses: [string, Warehouse][] = [
  ['clickhouse', clickhouse],
  ['memory', new MemoryWarehouse()],
];
describe.each(warehouses)('warehouse contract: %s', (_name, warehouse) => {
  const schema = avroOf(follow);
  const type = avro.Type.forSchema(schema as avro.Schema);
  const columns = ['eventId', 'userId', 'creatorId', 'kind', 'occurredAt'];
  const file = (ids: readonly string[]): Buffer => {
    const avroFile = new AvroFile();
    for (const eventId of ids) {
      const body = type.toBuffer({ eventId, userId: 'u', creatorId: 'c', kind: 'follow', occurredAt: 1_700_000_000_000 });
      avroFile.append(1, 2, 3, body, 0, body.length);
    }
    const origin = ['log_partition', 'log_offset', 'appended_at'].map((name) => ({ name, type: 'long' }));
    return avroFile.finish({ ...schema, fields: [...origin, ...schema.fields] });
  };
  const table = async (): Promise<string> => {
    const name = unique('contract');
    await warehouse.command(
      `CREATE TABLE ${name} (eventId String, userId String, creatorId String, kind LowCardinality(String), occurredAt DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY eventId SETTINGS non_replicated_deduplication_window = 100`,
    );
    return name;
  };
  const ids = async (name: string) => (await warehouse.query<{ eventId: string }>(`SELECT * FROM ${name}`)).map((r) => r.eventId).sort();

  test('one token counts once; another token counts again', async () => {
    const name = await table();
    await warehouse.insertAvro(name, columns, file(['a', 'b']), 'token-1');
    await warehouse.insertAvro(name, columns, file(['a', 'b']), 'token-1');
    expect(await ids(name)).toEqual(['a', 'b']);
    await warehouse.insertAvro(name, columns, file(['c']), 'token-2');
    expect(await ids(name)).toEqual(['a', 'b', 'c']);
  });

  test('thousands of rows in one file arrive whole', async () => {
    const name = await table();
    const many = Array.from({ length: 5_000 }, (_, i) => `row-${String(i).padStart(5, '0')}`);
    await warehouse.insertAvro(name, columns, file(many), 'big');
    expect(await ids(name)).toEqual(many);
  });
});

test('ClickHouse tells a refusal from an outage', async () => {
  await expect(clickhouse.query('SELECT nonsense FROM nowhere')).rejects.toMatchObject({ code: 'input-invalid' });
  const nobody = new ClickHouseWarehouse('http://127.0.0.1:9');
  await expect(nobody.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
  await nobody.close();
});

const blobStores: [string, Blobs][] = [
  ['s3', new S3Blobs(config.s3)],
  ['memory', new MemoryBlobs()],
];
describe.each(blobStores)('blobs contract: %s', (_name, blobs) => {
  test('puts, lists, replaces, and removes whole objects; a race for a new key has one winner', async () => {
    const bucket = unique('b').replaceAll('_', '-').slice(0, 40);
    await blobs.createBucket(bucket);
    await blobs.createBucket(bucket);
    await blobs.put(bucket, 'kind/dt=1/part-0', Buffer.from('one'));
    await blobs.put(bucket, 'kind/dt=1/part-0', Buffer.from('two'));
    expect((await blobs.get(bucket, 'kind/dt=1/part-0'))?.toString()).toBe('two');
    expect(await blobs.get(bucket, 'nothing')).toBeNull();
    const race = await Promise.all(Array.from({ length: 8 }, (_, i) => blobs.putNew(bucket, 'pointer', Buffer.from(String(i)))));
    expect(race.filter(Boolean).length).toBe(1);
    expect(await blobs.list(bucket, 'kind/')).toEqual(['kind/dt=1/part-0']);
    await blobs.remove(bucket, 'kind/dt=1/part-0');
    expect(await blobs.list(bucket, 'kind/')).toEqual([]);
  });

  test('a file goes there and comes back as a stream, whole', async () => {
    const bucket = unique('b').replaceAll('_', '-').slice(0, 40);
    await blobs.createBucket(bucket);
    const folder = await mkdtemp(join(tmpdir(), 'foryou-blobs-'));
    const bytes = randomBytes(3_000_001);
    await writeFile(join(folder, 'sent'), bytes);
    await blobs.putFrom(bucket, 'file', join(folder, 'sent'));
    const came = await blobs.fetchTo(bucket, 'file', join(folder, 'came'));
    expect(came).toEqual({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect((await readFile(join(folder, 'came'))).equals(bytes)).toBe(true);
    expect(await blobs.fetchTo(bucket, 'nothing', join(folder, 'nothing'))).toBeNull();
    await rm(folder, { recursive: true });
  });

  test('a conditional write wins only over what was read', async () => {
    const bucket = unique('b').replaceAll('_', '-').slice(0, 40);
    await blobs.createBucket(bucket);
    expect(await blobs.getTagged(bucket, 'pointer')).toBeNull();
    expect(await blobs.putIf(bucket, 'pointer', Buffer.from('one'), null)).toBe(true);
    expect(await blobs.putIf(bucket, 'pointer', Buffer.from('two'), null)).toBe(false);
    const read = await blobs.getTagged(bucket, 'pointer');
    expect(read?.body.toString()).toBe('one');
    const race = await Promise.all(Array.from({ length: 6 }, (_, i) => blobs.putIf(bucket, 'pointer', Buffer.from(`new ${i}`), read?.tag as string)));
    expect(race.filter(Boolean).length).toBe(1);
  });
});

const sessionStores: [string, SessionStore][] = [
  ['redis', new RedisSessions(redis)],
  ['memory', new MemorySessions()],
];
describe.each(sessionStores)('sessions contract: %s', (_name, sessions) => {
  test('a page that was made stands, and its ids are served', async () => {
    const key = unique('session');
    expect(await sessions.load(key)).toEqual({ next: 0, served: new Set() });
    expect(await sessions.append(key, 0, 'page one', ['a', 'b'])).toBeNull();
    expect(await sessions.append(key, 0, 'another', ['x'])).toBe('page one');
    expect(await sessions.append(key, 2, 'page two', ['c'])).toBeNull();
    expect(await sessions.load(key)).toEqual({ next: 3, served: new Set(['a', 'b', 'c']) });
    expect(await sessions.page(key, 0)).toBe('page one');
    expect(await sessions.page(key, 1)).toBeNull();
  });
});

test('a lease has one holder, only the holder gives it back, and each holder has a higher fence', async () => {
  const lease = new RedisLease(redis);
  const name = unique('lease');
  const held = await lease.acquire(name, 10_000);
  expect(await lease.acquire(name, 10_000)).toBeNull();
  expect(await held?.renew(10_000)).toBe(true);
  await held?.release();
  expect(await held?.renew(10_000)).toBe(false);
  const next = await lease.acquire(name, 10_000);
  expect(next?.fence).toBeGreaterThan(held?.fence as number);
  await held?.release();
  expect(await lease.acquire(name, 10_000)).toBeNull();
  await next?.release();
});

const telemetries: [string, Telemetry][] = [
  ['prometheus', new PrometheusTelemetry()],
  ['memory', new MemoryTelemetry()],
];
describe.each(telemetries)('telemetry contract: %s', (_name, telemetry) => {
  test('counters add, gauges keep the last, and both are exposed', async () => {
    telemetry.count('foryou_things_total', { kind: 'a' });
    telemetry.count('foryou_things_total', { kind: 'a' }, 4);
    telemetry.gauge('foryou_level', { of: 'x' }, 1);
    telemetry.gauge('foryou_level', { of: 'x' }, 7);
    telemetry.observe('foryou_wait_ms', { at: 'y' }, 3);
    const text = await telemetry.exposition();
    expect(text).toContain('foryou_things_total{kind="a"} 5');
    expect(text).toContain('foryou_level{of="x"} 7');
    expect(text).toContain('foryou_wait_ms_count{at="y"} 1');
  });
});

test('a table of an earlier release gains the fields that its contract gained, and keeps its rows', async () => {
  const name = unique('older');
  const fields = { eventId: text('id'), at: timestampMs('time') };
  const contract = { topic: 't', doc: '', key: 'eventId', time: 'at', fields };
  const older = { name, contract, group: 'g', orderBy: 'event_id', rollups: [] };
  for (const statement of createStatements(older)) await clickhouse.command(statement);
  await clickhouse.command(`INSERT INTO ${name} (event_id, at) VALUES ('a', now64(3))`);
  const newer = { ...older, contract: { ...contract, fields: { ...fields, region: text('where', 'ZZ'), tags: strings('tags') } } };
  for (const statement of createStatements(newer)) await clickhouse.command(statement);
  expect(await clickhouse.query(`SELECT event_id, region, tags FROM ${name}`)).toEqual([{ event_id: 'a', region: 'ZZ', tags: [] }]);
  await clickhouse.command(`DROP TABLE ${name}`);
});
