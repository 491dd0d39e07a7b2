import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { type VideoPublished, videoPublished } from '#schemas/events/video-published.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { runTopologies } from '../../topologies/main.ts';
import { logicalHour } from '../engine/job.ts';
import { runNamedJob } from '../main.ts';
import { makeCatalogue } from '../simulate/catalogue.ts';

const minuteMs = 60_000;
const nowMs = Date.now();
const old = 140;
const fresh = 4;
let stack: TestStack;
let adapters: ReturnType<typeof connect>;
const stops: (() => Promise<unknown>)[] = [];

/** Old videos are days old, each watched the more the higher its number; the new ones are forty minutes old. */
const videos = makeCatalogue(old + fresh, 77, nowMs).map(
  (v, i): VideoPublished => ({ ...v, occurredAt: i < old ? nowMs - (3 * 1_440 + 60 * i) * minuteMs : nowMs - 40 * minuteMs }),
);
let next = 0;
const watches = (video: VideoPublished, count: number, fromMin: number, toMin: number): Engagement[] =>
  Array.from({ length: count }, (_, i) => ({
    ...makeEngagement(next++, 'tier', nowMs),
    kind: 'watch' as const,
    videoId: video.videoId,
    creatorId: video.creatorId,
    reason: '',
    durationMs: 10_000,
    watchedMs: 10_000,
    loops: 0,
    occurredAt: video.occurredAt + Math.floor(fromMin * minuteMs + ((toMin - fromMin) * minuteMs * i) / count),
  }));

beforeAll(async () => {
  stack = await startTestStack();
  adapters = connect(stack.config, 'tiers-test');
  stops.push((await runTopologies(stack.config, 'history')).stop);
  const producer = new EventProducer(adapters);
  await producer.send(videoPublished, videos);
  const events = videos.flatMap((v, i) =>
    i < old ? [...watches(v, 1 + Math.floor(i / 10), 0, 29), ...watches(v, 2 * Math.floor(i / 10), 31, 1_000)] : watches(v, i === old ? 60 : 1, 0, 29),
  );
  for (let i = 0; i < events.length; i += 2_000) await producer.send(engagement, events.slice(i, i + 2_000));
  // Each table has a topology of its own: one may be done long before the other.
  const count = async (table: string) => (await adapters.warehouse.query<{ n: number }>(`SELECT count() AS n FROM ${table}`))[0]?.n;
  await eventually('history holds them', async () => (await count('engagements')) === events.length && (await count('videos_published')) === videos.length);
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  if (adapters) await disconnect(adapters);
  await stack?.stop();
});

test('new videos are foretold once, from videos whose day is over, and by nothing that came after their first half hour', async () => {
  const hours = { hours: [logicalHour(nowMs)] };
  const first = await runNamedJob(stack.config, 'cdn-tiers', hours);
  expect([first['rows'], first['foretold']]).toEqual([old, fresh]);
  expect(first['precisionWarm']).toBeGreaterThan(0.3);
  const rows = () =>
    adapters.warehouse.query<{ video_id: string; tier: string; expected_watches: number }>('SELECT * FROM cdn_tiers ORDER BY expected_watches DESC');
  await eventually('they are in history', async () => (await rows()).length === fresh);
  const [best] = await rows();
  expect(best).toMatchObject({ video_id: videos[old]?.videoId, tier: 'hot' });
  // What a video does later changes nothing of what was foretold, nor is it foretold again.
  await new EventProducer(adapters).send(engagement, watches(videos[old + 1] as VideoPublished, 500, 31, 39));
  expect((await runNamedJob(stack.config, 'cdn-tiers', hours))['foretold']).toBe(0);
});
