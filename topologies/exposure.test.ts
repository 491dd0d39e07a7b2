import { expect, test } from 'vitest';
import { eventually } from '#infra/testing/test-stack.ts';
import { exposureReason } from '#schemas/config/exposure.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { poolStateOf, videoPool } from '#schemas/features/views/exposure.ts';
import { engagementOnline } from './engagement.ts';
import { memorySetting } from './engine/guide/setting.ts';
import { runTopology } from './engine/runner.ts';
import { decisionsHistory, decisionsOnline, exposurePools } from './exposure.ts';
import { makeEngagement } from './faults/events.ts';

const nowMs = Date.now();
let next = 0;
/** `viewers` strangers whom a pool showed the video: so many complete it, so many like it. */
function shown(videoId: string, viewers: number, completed: number, liked: number, from = 0, reason: string = exposureReason): Engagement[] {
  return Array.from({ length: viewers }, (_, i) => {
    const base = { ...makeEngagement(next++, 'pool', nowMs), userId: `viewer-${from + i}`, videoId, reason, occurredAt: nowMs, durationMs: 10_000, loops: 0 };
    const watch = { ...base, kind: 'watch' as const, watchedMs: i < completed ? 10_000 : 3_000 };
    return i < liked ? [watch, { ...base, eventId: `${base.eventId}-like`, kind: 'like' as const, watchedMs: 0 }] : [watch];
  }).flat();
}

async function setting() {
  const { services, producer } = await memorySetting();
  const running = await Promise.all([engagementOnline, exposurePools, decisionsHistory, decisionsOnline].map((t) => runTopology(t, services)));
  const decisions = () =>
    services.warehouse.query<{ video_id: string; pool: number; verdict: string; viewers: number; completed: number; liked: number }>(
      'SELECT * FROM pool_decisions',
    );
  const state = async (videoId: string) => poolStateOf((await services.online.values(videoPool, [videoId]))[0]);
  const settled = async () => {
    const [end] = await services.log.offsets(engagement.topic);
    await eventually('everything was asked about', async () => (await services.log.committedOf('exposure-pools', engagement.topic))[0]?.offset === end?.high);
  };
  const stop = () => Promise.all(running.map((r) => r.stop()));
  return { services, producer, decisions, state, settled, stop };
}

test('a good video goes on, a bad one is held, and each decision is in the audit with its evidence, once', async () => {
  const { producer, decisions, state, settled, stop } = await setting();
  await producer.send(engagement, shown('good', 99, 80, 15));
  await producer.send(engagement, shown('bad', 60, 6, 0));
  await settled();
  expect((await decisions()).filter((d) => d.video_id === 'good')).toEqual([]);
  await producer.send(engagement, shown('good', 1, 1, 0, 99));
  await eventually('it is in the next pool', async () => (await state('good')).pool === 1);
  await eventually('the bad one is held', async () => (await state('bad')).open === false);
  await producer.send(engagement, shown('good', 20, 20, 5, 200));
  await producer.send(engagement, shown('bad', 20, 0, 0, 200));
  await settled();
  const rows = await decisions();
  expect(rows.map((d) => `${d.video_id}/${d.pool} ${d.verdict}`).sort()).toEqual(['bad/0 hold', 'good/0 advance']);
  expect(rows.find((d) => d.video_id === 'good')).toMatchObject({ viewers: 100, completed: 81, liked: 15 });
  await stop();
});

test('one account counts once, and what no pool caused counts not at all', async () => {
  const { producer, decisions, state, settled, stop } = await setting();
  const once = shown('loved', 1, 1, 1)[0] as Engagement;
  await producer.send(
    engagement,
    Array.from({ length: 500 }, (_, i) => ({ ...once, eventId: `again-${i}` })),
  );
  await producer.send(engagement, shown('loved', 500, 500, 100, 10, 'followed-creators'));
  await settled();
  expect(await decisions()).toEqual([]);
  expect(await state('loved')).toEqual({ pool: 0, open: true });
  await stop();
});
