import { expect, test } from 'vitest';
import { ViewCatalog } from '#infra/online/delta.ts';
import { MemoryOnlineStore } from '#infra/online/memory.ts';
import type { Engagement } from '#schemas/events/engagement.ts';
import { rankingFeature, rankingFeatures, videoRates } from '#schemas/features/ranking.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { allViews } from '#schemas/features/views/index.ts';
import { foldInto } from '../../topologies/engine/feature-agreement.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { KeptColumns } from './kept-columns.ts';

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const catalog = new ViewCatalog(allViews);
const watched = rankingFeature('video.watches_m30');

/** An online store that counts what it is asked for, and can hold an answer back. */
class CountingStore extends MemoryOnlineStore {
  asked = 0;
  held: Promise<void> = Promise.resolve();
  override async values(...args: Parameters<MemoryOnlineStore['values']>) {
    this.asked += args[1].length;
    const values = await super.values(...args);
    await this.held;
    return values;
  }
}

function scene() {
  const online = new CountingStore({ shards: 2, catalog });
  const columns = new KeptColumns(videoView, videoRates, true);
  const row = columns.add('v');
  let folds = 0;
  online.tell({
    get told() {
      return columns.told;
    },
    set told(value) {
      columns.told = value;
    },
    changed: () => columns.changed(row),
  });
  const watch = (): Engagement => ({ ...makeEngagement(1, `kept-${folds}`, nowMs), kind: 'watch', videoId: 'v', occurredAt: nowMs });
  return {
    online,
    columns,
    happen: () => foldInto(online, catalog, [[watch()]], `kept-${folds++}`),
    at: async (ms: number) => {
      if (columns.isMissing(row, ms)) await columns.fetch(online, new Set([row]), ms);
      const into = new Float32Array(rankingFeatures.length);
      columns.copy(Int32Array.of(row), into, into.length, Int32Array.of(0), ms);
      return into;
    },
  };
}

test('what the store is silent about stands; what changed is waited for two seconds after it was fetched', async () => {
  const { online, at, happen } = scene();
  expect((await at(nowMs))[watched]).toBe(0);
  await at(nowMs + 3_600_000);
  expect(online.asked).toBe(1);
  await happen();
  expect((await at(nowMs + 3_600_000))[watched]).toBeCloseTo(2 ** -2, 5);
  await happen();
  await at(nowMs + 3_601_999);
  expect(online.asked).toBe(2);
  expect((await at(nowMs + 3_602_000))[watched]).toBeCloseTo(2 * 2 ** (-3_602 / 1_800), 5);
  expect(online.asked).toBe(3);
});

test('what changed is fetched ahead of the next request, once, and only while requests ask for it', async () => {
  const { online, columns, at, happen } = scene();
  await at(nowMs);
  await columns.refresh(online, nowMs + 100);
  expect(online.asked).toBe(1);
  await happen();
  await happen();
  await columns.refresh(online, nowMs + 200);
  await columns.refresh(online, nowMs + 300);
  expect(online.asked).toBe(2);
  expect((await at(nowMs + 5_000))[watched]).toBeGreaterThan(1.9);
  expect(online.asked).toBe(2);
  await happen();
  await columns.refresh(online, nowMs + 15_000);
  expect(online.asked).toBe(2);
  expect((await at(nowMs + 15_000))[watched]).toBeGreaterThan(2.9);
});

test('what cannot be fetched ahead is fetched by the request that needs it', async () => {
  const { online, columns, at, happen } = scene();
  await at(nowMs);
  await happen();
  online.held = Promise.reject(new Error('away'));
  await expect(columns.refresh(online, nowMs + 200)).rejects.toThrow('away');
  online.held = Promise.resolve();
  expect((await at(nowMs + 2_000))[watched]).toBeGreaterThan(0);
});

test('a change that is told while the answer is on its way may be one that the answer lacks', async () => {
  const { online, at, happen } = scene();
  let answer = (): void => {};
  online.held = new Promise((resolve) => {
    answer = resolve;
  });
  const first = at(nowMs);
  await happen();
  answer();
  expect((await first)[watched]).toBe(0);
  expect((await at(nowMs + 2_000))[watched]).toBeGreaterThan(0);
});

test('while changes are not told, and for what was read before they were told again, everything is asked for after two seconds', async () => {
  const { online, columns, at } = scene();
  await at(nowMs);
  columns.told = false;
  columns.told = true;
  await at(nowMs + 1_999);
  expect(online.asked).toBe(1);
  await at(nowMs + 2_000);
  expect(online.asked).toBe(2);
  columns.told = false;
  await at(nowMs + 4_000);
  await at(nowMs + 6_000);
  expect(online.asked).toBe(4);
});

test('what is kept for long is as what would be fetched: sums decay, and shares follow', async () => {
  const { columns, at, happen, online } = scene();
  await happen();
  for (let s = 0; s < 60; s += 7) await at(nowMs + 1_000 * s);
  const kept = await at(nowMs + 59_000);
  expect(online.asked).toBe(1);
  await columns.fetch(online, new Set([0]), nowMs + 59_000);
  const fetched = await at(nowMs + 59_000);
  expect(fetched[watched]).toBeGreaterThan(0);
  kept.forEach((value, i) => {
    expect(value, rankingFeatures[i]).toBeCloseTo(fetched[i] as number, 2);
  });
});
