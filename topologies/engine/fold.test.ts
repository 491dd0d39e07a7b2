import avro from 'avsc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ViewCatalog } from '#infra/online/delta.ts';
import { entryHeader } from '#infra/online/key-log.ts';
import { MemoryOnlineStore } from '#infra/online/memory.ts';
import { signalValue } from '#schemas/config/signal-weights.ts';
import { avroOf } from '#schemas/events/avro.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { computeAsOf } from '#schemas/features/as-of.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import type { AnyView } from '#schemas/features/view.ts';
import { userSeen, userTopics, videoFans, videoView } from '#schemas/features/views/engagement.ts';
import { allViews } from '#schemas/features/views/index.ts';
import { makeEngagement } from '../faults/events.ts';
import { compileReader, newRow } from './avro-reader.ts';
import { firstDifference, foldInto, near, readOnline } from './feature-agreement.ts';
import { Fold } from './fold.ts';
import { admitAll } from './fold-chunk.ts';

const nowMs = Date.UTC(2026, 0, 2);
const catalog = new ViewCatalog(allViews);

/** Events in any order, cut anywhere, some of them weeks or a year apart. */
const batches = fc
  .array(fc.array(fc.tuple(fc.nat(2_000), fc.constantFrom(0, 1, 45, 400)), { minLength: 1, maxLength: 40 }), { maxLength: 6 })
  .map((list) =>
    list.map((batch) =>
      batch.map(([i, days]): Engagement => ({ ...makeEngagement(i, 'p', nowMs), occurredAt: nowMs - ((i * 997) % 86_400) * 1_000 - days * 86_400_000 })),
    ),
  );

test('online, as-of and naive agree on any order and any split of events', async () => {
  await fc.assert(
    fc.asyncProperty(batches, async (cut) => {
      const store = new MemoryOnlineStore({ shards: 5, catalog });
      await foldInto(store, catalog, cut, 'g');
      const events = cut.flat();
      expect(await firstDifference(store, events, nowMs)).toBeNull();
      await expectNaive(store, events);
    }),
    { numRuns: 60 },
  );
});

/** The same numbers by the plainest arithmetic: one loop per value. */
async function expectNaive(store: MemoryOnlineStore, events: readonly Engagement[]): Promise<void> {
  for (const videoId of new Set(events.map((e) => e.videoId))) {
    const mine = events.filter((e) => e.videoId === videoId);
    const row = readPackedRow(videoView, (await store.values(videoView, [videoId]))[0] ?? null, nowMs);
    const decay = (e: Engagement, hours: number) => Math.exp((-Math.LN2 * (nowMs - e.occurredAt)) / (hours * 3_600_000));
    const sum = (of: (e: Engagement) => number) => mine.reduce((total, e) => total + of(e), 0);
    expect(
      near(
        row.watches_all,
        sum((e) => (e.kind === 'watch' ? 1 : 0)),
      ),
    ).toBe(true);
    expect(
      near(
        row.watches_m30,
        sum((e) => (e.kind === 'watch' ? decay(e, 0.5) : 0)),
      ),
    ).toBe(true);
    expect(
      near(
        row.likes_d1,
        sum((e) => (e.kind === 'like' ? decay(e, 24) : e.kind === 'unlike' ? -decay(e, 24) : 0)),
      ),
    ).toBe(true);
    expect(
      near(
        row.shares_d14,
        sum((e) => (e.kind === 'share' ? decay(e, 14 * 24) : 0)),
      ),
    ).toBe(true);
  }
  const topics = await readOnline(
    store,
    userTopics,
    computeAsOf(userTopics, events, (e) => e.occurredAt, nowMs),
    nowMs,
  );
  for (const [userId, weights] of topics) {
    for (const [topic, weight] of weights as Map<string, number>) {
      const naive = events
        .filter((e) => e.userId === userId && e.topic === topic)
        .reduce((total, e) => total + Math.max(0, signalValue(e)) * 0.5 ** ((nowMs - e.occurredAt) / (14 * 86_400_000)), 0);
      expect(near(weight, naive)).toBe(true);
    }
  }
  const [seen] = await store.top([{ view: userSeen, entity: 'user-0', limit: 1_000 }]);
  expect(new Set(seen?.keys)).toEqual(new Set(events.filter((e) => e.userId === 'user-0' && e.kind === 'watch').map((e) => e.videoId)));
}

test('of a crowd behind one video the store is told of no more than it keeps', async () => {
  const store = new MemoryOnlineStore({ shards: 3, catalog });
  const crowd = Array.from({ length: 3_000 }, (_, i) => ({
    ...makeEngagement(i, 'crowd', nowMs),
    kind: 'like' as const,
    videoId: 'hit',
    userId: `fan-${i}`,
    occurredAt: nowMs - ((i * 7_919) % 3_000) * 1_000,
  }));
  const fold = new Fold(engagement, [videoFans] as readonly AnyView[], catalog, 3);
  const read = compileReader(engagement, avroOf(engagement));
  const row = newRow(engagement);
  for (const [offset, event] of crowd.entries()) {
    const body = avro.Type.forSchema(avroOf(engagement) as avro.Schema).toBuffer(event);
    read?.(body, 0, body.length, row);
    fold.add(row, event.occurredAt, offset, admitAll);
  }
  const told = fold.deltas().reduce((sum, part) => sum + part.bytes.length, 0);
  expect(told).toBeLessThan((videoFans.capacity + 5) * (entryHeader + 'fan-2999'.length));
  await foldInto(store, catalog, [crowd], 'crowd');
  const [fans] = await store.top([{ view: videoFans, entity: 'hit', limit: 100 }]);
  const newest = crowd.toSorted((a, b) => b.occurredAt - a.occurredAt).slice(0, videoFans.capacity);
  expect(fans?.keys).toEqual(newest.map((e) => e.userId));
});

test('no as-of value knows an event later than its moment', () => {
  const past = Array.from({ length: 50 }, (_, i) => makeEngagement(i, 'p', nowMs));
  const future = { ...makeEngagement(3, 'f', nowMs), occurredAt: nowMs + 1, kind: 'watch' as const };
  expect(computeAsOf(videoView, [...past, future], (e) => e.occurredAt, nowMs)).toEqual(computeAsOf(videoView, past, (e) => e.occurredAt, nowMs));
  expect(computeAsOf(videoView, [...past, future], (e) => e.occurredAt, nowMs + 1)).not.toEqual(computeAsOf(videoView, past, (e) => e.occurredAt, nowMs + 1));
});

test('a video that takes nine tenths of the events costs the store less than if they were spread', async () => {
  class Weighed extends MemoryOnlineStore {
    bytes = 0;
    override merge(...args: Parameters<MemoryOnlineStore['merge']>) {
      this.bytes += args[2].length;
      return super.merge(...args);
    }
  }
  const merged = async (hot: boolean) => {
    const store = new Weighed({ shards: 4, catalog });
    const batch = Array.from({ length: 20_000 }, (_, i) => ({ ...makeEngagement(i, 'hot', nowMs), ...(hot && i % 10 !== 0 ? { videoId: 'hit' } : {}) }));
    await foldInto(store, catalog, [batch], 'hot');
    return store.bytes;
  };
  expect(await merged(true)).toBeLessThan(0.8 * (await merged(false)));
});
