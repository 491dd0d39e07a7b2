import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { s3Lake } from '#infra/warehouse/lake.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { feedServed } from '#schemas/events/feed-served.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { runTopologies } from '../../topologies/main.ts';
import { logicalHour } from '../engine/job.ts';
import { runNamedJob } from '../main.ts';
import { impressionsOf, newestSet } from './sets.ts';

let stack: TestStack;
let adapters: ReturnType<typeof connect>;
const stops: (() => Promise<unknown>)[] = [];
const hour = logicalHour(Date.now() - 3 * 3_600_000);
const servedAt = hour.getTime() + 60_000;
const horizonMs = 1_800_000;
const responses = 40;

/** Five videos a response; the first three are watched, the third only after the horizon, and the last two never. */
const watched = (position: number): number | null => [10_000, 20_000, horizonMs + 1, null, null][position] ?? null;
const served = Array.from({ length: responses * 5 }, (_, i) => {
  const [response, position] = [Math.floor(i / 5), i % 5];
  return {
    eventId: `r${response}-${position}`,
    requestId: `r${response}`,
    userId: `viewer-${response}`,
    sessionId: 's',
    videoId: `video-${response}-${position}`,
    position,
    occurredAt: servedAt + response * 1_000,
    score: 1,
    reason: 'fresh',
    sources: ['fresh'],
    features: JSON.stringify({ topicAffinity: response, 'video.watches_d1': position + 0.5 }),
    scorer: 'heuristic@1',
    featureVersion: 'v',
    indexVersion: '',
    arm: response % 2 === 0 ? 'a' : 'b',
    propensity: 1,
    drawPlace: 0,
    degraded: 0,
  };
});
const answer = (i: number, more: Partial<Engagement>): Engagement => {
  const s = served[i] as (typeof served)[number];
  return {
    ...makeEngagement(i, 'answer', 0),
    kind: 'watch',
    userId: s.userId,
    videoId: s.videoId,
    requestId: s.requestId,
    position: s.position,
    durationMs: 10_000,
    watchedMs: 10_000,
    loops: 0,
    occurredAt: s.occurredAt,
    ...more,
  };
};
const answers = served.flatMap((s, i): Engagement[] => {
  const after = watched(s.position);
  if (after === null) return [];
  const occurredAt = s.occurredAt + after;
  const watch = answer(i, { eventId: `w${i}`, occurredAt, watchedMs: s.position === 1 ? 1_000 : 10_000 });
  if (s.position !== 0) return [watch];
  const like = answer(i, { eventId: `l${i}`, kind: 'like', occurredAt: occurredAt + 1 });
  // Every fourth viewer takes it back.
  return Number(s.userId.slice(7)) % 4 === 0 ? [watch, like, answer(i, { eventId: `u${i}`, kind: 'unlike', occurredAt: occurredAt + 2 })] : [watch, like];
});

beforeAll(async () => {
  stack = await startTestStack();
  adapters = connect(stack.config, 'training-test');
  stops.push((await runTopologies(stack.config, 'engagement-history')).stop, (await runTopologies(stack.config, 'feed-served-history')).stop);
  const producer = new EventProducer(adapters);
  await producer.send(feedServed, served);
  await producer.send(engagement, answers);
  await eventually('history has both', async () => {
    const [row] = await adapters.warehouse.query<{ s: number; e: number }>(
      'SELECT (SELECT count() FROM feed_items_served) AS s, (SELECT count() FROM engagements) AS e',
    );
    return row?.s === served.length && row.e === answers.length;
  });
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  if (adapters) await disconnect(adapters);
  await stack?.stop();
});

test('impressions are joined with what followed within the horizon, each with its logged features and its arm', async () => {
  expect(await runNamedJob(stack.config, 'training-set', { hours: [hour], dryRun: true })).toEqual({ rows: served.length });
  // Positions 0 and 1 were watched in time; 2 came too late, and nothing after it was watched.
  expect(await runNamedJob(stack.config, 'training-set', { hours: [hour] })).toMatchObject({
    rows: 2 * responses,
    added: 2 * responses,
    notReached: 3 * responses,
  });
  expect((await runNamedJob(stack.config, 'training-set', { hours: [hour] }))['added']).toBe(0);
  const set = await newestSet({ blobs: new S3Blobs(stack.config.s3) }, hour);
  const rows = await adapters.warehouse.query<Record<string, number | string>>(
    `SELECT * FROM ${impressionsOf({ lake: s3Lake(stack.config.s3) }, set.parts)} ORDER BY served_at, position`,
  );
  for (const [i, row] of rows.entries()) {
    const [response, position] = [Math.floor(i / 2), i % 2];
    expect(row).toMatchObject({
      request_id: `r${response}`,
      position,
      arm: response % 2 === 0 ? 'a' : 'b',
      exposure: 'watched',
      y_complete: position === 0 ? 1 : 0,
      y_early_skip: position === 1 ? 1 : 0,
      y_like: position === 0 && response % 4 !== 0 ? 1 : 0,
      f_topic_affinity: response,
      f_video_watches_d1: position + 0.5,
      f_video_likes_d1: 0,
    });
    expect(row['y_watch_fraction']).toBeCloseTo(position === 0 ? 1 : 0.1, 6);
  }
});

test('the set is split by time and reports rates, coverage and arms', async () => {
  const set = await newestSet({ blobs: new S3Blobs(stack.config.s3) }, hour);
  expect(set.rows.train + set.rows.validation).toBe(2 * responses);
  expect(set.rows.validation / (2 * responses)).toBeCloseTo(0.2, 1);
  expect(set.cutMs).toBeGreaterThan(servedAt);
  expect(set.arms).toEqual({ a: responses, b: responses });
  expect(set.labelRates['complete']?.train).toBeCloseTo(0.5, 2);
  expect(set.features['topicAffinity']?.coverage).toBeCloseTo((responses - 1) / responses, 6);
  expect(set.features['video.likes_d1']).toMatchObject({ coverage: 0, drift: null });
});

test('impressions that were passed on the way to a watched one are negatives, and a later set says what moved', async () => {
  const later = new Date(hour.getTime() + 3_600_000);
  const moved = served.slice(0, 50).map((s, i) => ({
    ...s,
    eventId: `later-${i}`,
    requestId: `later-${s.requestId}`,
    occurredAt: later.getTime() + i,
    features: JSON.stringify({ topicAffinity: 1_000 + i, 'video.watches_d1': s.position + 0.5 }),
  }));
  const producer = new EventProducer(adapters);
  await producer.send(feedServed, moved);
  const last = moved
    .filter((s) => s.position === 4)
    .map((s, i) => answer(i * 5 + 4, { eventId: `later-w${i}`, requestId: s.requestId, videoId: s.videoId, userId: s.userId, occurredAt: s.occurredAt + 10 }));
  await producer.send(engagement, last);
  await eventually('history has both', async () => {
    const [row] = await adapters.warehouse.query<{ n: number }>(`SELECT count() AS n FROM engagements WHERE event_id LIKE 'later-w%'`);
    return row?.n === last.length;
  });
  expect(await runNamedJob(stack.config, 'training-set', { hours: [later] })).toMatchObject({ added: moved.length, rows: 2 * responses + moved.length });
  const set = await newestSet({ blobs: new S3Blobs(stack.config.s3) }, later);
  expect(set.rows.passed).toBe(40);
  expect(set.features['topicAffinity']?.drift).toBeGreaterThan(0.25);
  expect(set.features['video.likes_d1']?.drift).toBe(0);
});
