import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, test } from 'vitest';
import type { AvroRecord } from '#schemas/events/avro.ts';
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

const config = sharedConfig(inject('stackEnvironment'));
const redis = new Redis(`${config.redisUrl}/6`);
afterAll(async () => {
  await redis.flushdb();
  redis.disconnect();
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
