import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Engagement } from '#schemas/events/engagement.ts';
import { computeAsOf } from '#schemas/features/as-of.ts';
import { onlineKey, shardOf } from '#schemas/features/layout.ts';
import { readLogWeight } from '#schemas/features/monoids.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import type { AnyView } from '#schemas/features/view.ts';
import { userSeen, userTopics, userVideos, userView, videoView } from '#schemas/features/views/engagement.ts';
import { allViews } from '#schemas/features/views/index.ts';
import { videoCard } from '#schemas/features/views/videos.ts';
import { firstDifference, foldInto, near } from '../../topologies/engine/feature-agreement.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { sharedConfig } from '../testing/shared-stack.ts';
import { eventually } from '../testing/test-stack.ts';
import { DeltaWriter, joinDelta, ViewCatalog } from './delta.ts';
import { entryHeader } from './key-log.ts';
import { MemoryOnlineStore } from './memory.ts';
import { markAt, type OnlineStore } from './online.ts';
import { RedisOnlineStore } from './redis.ts';

const config = sharedConfig(inject('stackEnvironment'));
const catalog = new ViewCatalog(allViews);
// Database 5 of the shared Redis belongs to this file.
const url = `${config.redisUrl}/5`;
const redis = new RedisOnlineStore({ url, shards: 4, catalog });
const stores: [string, OnlineStore][] = [
  ['redis', redis],
  ['memory', new MemoryOnlineStore({ shards: 4, catalog })],
];
beforeAll(() => redis.client.flushdb());
afterAll(async () => {
  await redis.client.flushdb();
  await redis.close();
});

const source = (group: string) => ({ group, topic: 'engagement', partition: 0 });
const empty = () => joinDelta([]);

function cardDelta(videoId: string, shard: number, timeMs: number, body: string): Buffer {
  const key = Buffer.from(onlineKey(videoCard as unknown as AnyView, shard, videoId));
  const writer = new DeltaWriter()
    .value(catalog.index(videoCard as unknown as AnyView))
    .key(key, key, 0, 0)
    .card(timeMs, body);
  return joinDelta([writer.finish()]);
}

describe.each(stores)('online store contract: %s', (name, store) => {
  test('a watermark moves once, repeats change nothing, and a wrong expectation is refused', async () => {
    const s = source(`marks-${name}`);
    const offsets = async () => (await store.watermarks(s)).map((mark) => [...new Set(mark)]);
    expect(await offsets()).toEqual([[0], [0], [0], [0]]);
    expect(await store.merge(2, [{ source: s, expected: markAt(0), to: markAt(10) }], empty())).toBe('applied');
    expect(await store.merge(2, [{ source: s, expected: markAt(0), to: markAt(10) }], empty())).toBe('already');
    expect(await store.merge(2, [{ source: s, expected: markAt(5), to: markAt(20) }], empty())).toBe('conflict');
    expect(await offsets()).toEqual([[0], [0], [10], [0]]);
  });

  test('the lanes of a shard move one by one', async () => {
    const s = source(`lanes-${name}`);
    const one = markAt(0).map((_, lane) => (lane === 3 ? 10 : 0));
    expect(await store.merge(1, [{ source: s, expected: markAt(0), to: one }], empty())).toBe('applied');
    expect((await store.watermarks(s))[1]).toEqual(one);
    expect(await store.merge(1, [{ source: s, expected: markAt(0), to: markAt(10) }], empty())).toBe('conflict');
    expect(await store.merge(1, [{ source: s, expected: one, to: markAt(10) }], empty())).toBe('applied');
    expect((await store.watermarks(s))[1]).toEqual(markAt(10));
  });

  test('a delta is merged with its watermark, and not merged again', async () => {
    const nowMs = Date.now();
    const events = Array.from({ length: 50 }, (_, i) => makeEngagement(i, 'once', nowMs));
    await foldInto(store, catalog, [events], `once-${name}`);
    await expect(foldInto(store, catalog, [events], `once-${name}`)).rejects.toThrow(/already|conflict/);
  });

  test('online equals as-of, whatever the split', async () => {
    if (store instanceof RedisOnlineStore) await store.client.flushdb();
    const other = store instanceof MemoryOnlineStore ? new MemoryOnlineStore({ shards: 4, catalog }) : store;
    const nowMs = Date.now();
    const events = Array.from({ length: 1_500 }, (_, i) => makeEngagement(i, 'agree', nowMs));
    const shuffled = [...events].sort((a, b) => (a.eventId.split('').reverse().join('') < b.eventId.split('').reverse().join('') ? -1 : 1));
    const batches = [shuffled.slice(0, 3), shuffled.slice(3, 700), shuffled.slice(700, 701), shuffled.slice(701)];
    await foldInto(other, catalog, batches, `agree-${name}`);
    expect(await firstDifference(other, events, nowMs)).toBeNull();
  });

  test('a list that is kept as a log says of its best keys what as-of says, however often they came, and stays short', async () => {
    const nowMs = Date.now();
    const userId = `logged-${name}`;
    const answer = (i: number, v: number): Engagement => ({
      ...makeEngagement(i, userId, nowMs),
      kind: 'like',
      userId,
      videoId: `video-${v}`,
      occurredAt: nowMs - i,
    });
    // A hundred videos again and again, and six hundred once.
    const events = Array.from({ length: 3_000 }, (_, i) => answer(i, i % 5 === 0 ? 100 + i / 5 : i % 100));
    const batches = Array.from({ length: 100 }, (_, b) => events.slice(30 * b, 30 * (b + 1)));
    await foldInto(store, catalog, batches, userId);
    const asOf = computeAsOf(userVideos, events, (e) => e.occurredAt, nowMs).get(userId) as Map<string, number>;
    const best = [...asOf].sort((a, b) => b[1] - a[1]).slice(0, 80);
    const [top] = await store.top([{ view: userVideos, entity: userId, limit: 80 }]);
    const weightOf = (score: number) => readLogWeight(score, nowMs, userVideos.halfLifeMs);
    expect(near(new Map(top?.keys.map((key, i) => [key, weightOf(top.scores[i] as number)])), new Map(best))).toBe(true);
    expect(top?.scores).toEqual(top?.scores.toSorted((a, b) => b - a));
    // What shares the log is neither mixed up nor lost.
    const [topics] = await store.top([{ view: userTopics, entity: userId, limit: 50 }]);
    const topicsAsOf = computeAsOf(userTopics, events, (e) => e.occurredAt, nowMs).get(userId);
    expect(near(new Map(topics?.keys.map((key, i) => [key, weightOf(topics.scores[i] as number)])), topicsAsOf)).toBe(true);
    expect(await store.sizes(userVideos, [userId, 'nobody'])).toEqual([userVideos.capacity, 0]);
    expect(await store.sizes(userVideos, [userId, 'nobody'], 50)).toEqual([50, 0]);
    if (store instanceof RedisOnlineStore) {
      const length = await store.client.strlen(onlineKey(userVideos, shardOf(userId, 4), userId));
      expect(length).toBeLessThan(4 * userVideos.capacity * (entryHeader + 'video-699'.length));
    }
  });

  test('what is in a log of the latest is known however often it came, of every length, and is counted as far as is asked', async () => {
    const nowMs = Date.now();
    const watch = (userId: string, i: number, v: number): Engagement => ({
      ...makeEngagement(i, userId, nowMs),
      kind: 'watch',
      userId,
      videoId: `vidéo-${v}`,
      occurredAt: nowMs - 3_000 + i,
    });
    // Watched by one a few times, by another one video again and again, by the third often enough to be made shorter.
    const users = ['few', 'one', 'many'].map((user) => `${user}-${name}`);
    const [few, one, many] = users as [string, string, string];
    const events = Array.from({ length: 2_000 }, (_, i) => [watch(one, i, 7), watch(many, i, i % 900), ...(i < 5 ? [watch(few, i, i)] : [])]);
    for (let b = 0; b < 10; b++) await foldInto(store, catalog, [events.slice(200 * b, 200 * (b + 1)).flat()], `seen-${name}-${b}`);
    const ids = ['vidéo-3', 'vidéo-7', 'vidéo-899', 'vidéo-900', 'never'];
    const among = await Promise.all(users.map(async (user) => [...(await store.members(userSeen, user)).among(ids)]));
    expect(among).toEqual([
      [1, 0, 0, 0, 0],
      [0, 1, 0, 0, 0],
      [1, 1, 1, 0, 0],
    ]);
    expect(await store.sizes(userSeen, [...users, 'nobody'])).toEqual([5, 1, 900, 0]);
    expect(await store.sizes(userSeen, [...users, 'nobody'], 10)).toEqual([5, 1, 10, 0]);
    const [latest] = await store.top([{ view: userSeen, entity: many, limit: 3 }]);
    expect(latest).toEqual({ keys: ['vidéo-199', 'vidéo-198', 'vidéo-197'], scores: [nowMs - 1_001, nowMs - 1_002, nowMs - 1_003] });
    if (store instanceof RedisOnlineStore)
      expect(await store.client.strlen(onlineKey(userSeen, shardOf(many, 4), many))).toBeLessThan(1_500 * (entryHeader + 'vidéo-899'.length));
  });

  test('cards: the later time wins, a withdrawal wins a tie, and an older event changes nothing', async () => {
    const videoId = `card-${name}`;
    const shard = shardOf(videoId, 4);
    const s = source(`cards-${name}`);
    let at = 0;
    const merge = async (timeMs: number, body: string) => {
      await store.merge(shard, [{ source: s, expected: markAt(at), to: markAt(at + 1) }], cardDelta(videoId, shard, timeMs, body));
      at++;
      return (await store.values(videoCard as unknown as AnyView, [videoId]))[0]?.toString('utf8', 8);
    };
    expect(await merge(100, '{"a":1}')).toBe('{"a":1}');
    expect(await merge(50, '{"old":1}')).toBe('{"a":1}');
    expect(await merge(200, '')).toBe('');
    expect(await merge(200, '{"b":1}')).toBe('');
    expect(await merge(201, '{"c":1}')).toBe('{"c":1}');
  });

  test('of a value that is watched the next change is told, once; of others nothing is', async () => {
    const nowMs = Date.now();
    const told: string[] = [];
    const listener = { told: false, changed: (view: string, entity: string) => void told.push(`${view}/${entity}`) };
    store.tell(listener);
    await eventually('changes are told', async () => listener.told);
    const events = (n: number) => [{ ...makeEngagement(n, `told-${name}-${n}`, nowMs), videoId: `told-${name}` }];
    await store.watchedValues(videoView, [`told-${name}`, `never-${name}`]);
    await store.values(userView, [events(1)[0]?.userId as string]);
    await foldInto(store, catalog, [events(1)], `told-1-${name}`);
    await eventually('the change is told', async () => told.length > 0);
    await foldInto(store, catalog, [events(2)], `told-2-${name}`);
    // What is told comes in the order of the changes: this one stands behind all that could have been told of before.
    await store.watchedValues(videoView, [`told-${name}`]);
    await foldInto(store, catalog, [events(3)], `told-3-${name}`);
    await eventually('the next change is told', async () => told.length > 1);
    expect(told).toEqual([`video/told-${name}`, `video/told-${name}`]);
  });

  test('values of the unknown are null, and their lists are empty', async () => {
    expect(await store.values(videoView, ['nobody', 'nothing'])).toEqual([null, null]);
    expect([...(await store.members(userSeen, 'nobody')).among(['v'])]).toEqual([0]);
    expect(await store.top([{ view: userSeen, entity: 'nobody', limit: 5 }])).toEqual([{ keys: [], scores: [] }]);
  });
});

/** All that a store tells. */
function listenTo(store: OnlineStore): { states: boolean[]; changed: string[] } {
  const states: boolean[] = [];
  const changed: string[] = [];
  store.tell({
    get told() {
      return states.at(-1) ?? false;
    },
    set told(value) {
      states.push(value);
    },
    changed: (_view, entity) => void changed.push(entity),
  });
  return { states, changed };
}

test('when a connection is lost or Redis is emptied, what was read before is not known to stand; then changes are told again', async () => {
  const store = new RedisOnlineStore({ url, shards: 4, catalog });
  const { states, changed } = listenTo(store);
  const again = async (what: string, lose: () => Promise<unknown>) => {
    const before = states.length;
    await lose();
    await eventually(`${what}: told again`, async () => states.length >= before + 2 && states.at(-1) === true);
    expect(states.slice(before)).toContain(false);
    await store.watchedValues(videoView, [what]);
    await store.client.set(onlineKey(videoView, shardOf(what, 4), what), 'another');
    await eventually(`${what}: the change is told`, async () => changed.includes(what));
  };
  await eventually('changes are told', async () => states.at(-1) === true);
  const subscribers = async () => String(await redis.client.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).split('\n');
  const [mine] = (await subscribers()).filter((line) => line.includes(' db=5 ')).slice(-1);
  await again('subscriber', () => redis.client.client('KILL', 'ID', /^id=(\d+)/.exec(mine as string)?.[1] as string));
  await again('reader', async () => redis.client.client('KILL', 'ID', await store.client.client('ID')));
  await again('refused', async () => {
    await store.client.client('TRACKING', 'OFF');
    expect(await store.watchedValues(videoView, ['nobody'])).toEqual([null]);
  });
  await again('emptied', () => redis.client.flushdb());
  await store.close();
});

test('a second connection that is dead and was never closed is found out', async () => {
  // Between the store and Redis; what Redis says to who subscribed is withheld.
  const between = createServer((near) => {
    const far = connect(Number(new URL(url).port), new URL(url).hostname);
    near.on('data', (bytes) => {
      if (bytes.includes('ping') && bytes.length < 20) far.unpipe(near);
    });
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {}).on('close', () => [near, far].forEach((s) => void s.destroy()));
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  const { port } = between.address() as AddressInfo;
  const store = new RedisOnlineStore({ url: `redis://127.0.0.1:${port}/5`, shards: 4, catalog, commandTimeoutMs: 300 });
  const { states } = listenTo(store);
  await eventually('changes are told, then not known to be, then told again', async () => states.join().startsWith('true,false') && states.at(-1) === true);
  await store.close();
  between.close();
});

test('a value of another version of a view reads as the default, and is replaced, not misread', async () => {
  const shard = shardOf('versioned', 4);
  const stale = Buffer.alloc(12 + 8 * 21, 7);
  await redis.client.set(onlineKey(videoView, shard, 'versioned'), stale);
  const [value] = await redis.values(videoView, ['versioned']);
  expect(Object.values(readPackedRow(videoView, value ?? null, Date.now())).every((v) => v === 0)).toBe(true);
});

test('another number of shards, or another log, refuses to start', async () => {
  const client = new Redis(url);
  await client.del('foryou:layout');
  await redis.open({ clusterId: 'log-a' });
  await redis.open({ clusterId: 'log-a' });
  const other = new RedisOnlineStore({ url, shards: 8, catalog });
  await expect(other.open({ clusterId: 'log-a' })).rejects.toMatchObject({ code: 'layout-mismatch' });
  await expect(redis.open({ clusterId: 'log-b' })).rejects.toMatchObject({ code: 'layout-mismatch' });
  await other.close();
  client.disconnect();
});
