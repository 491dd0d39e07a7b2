import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { Audience } from '../jobs/simulate/audience.ts';
import { makeCatalogue } from '../jobs/simulate/catalogue.ts';
import { runTopologies } from '../topologies/main.ts';
import type { FeedPage } from './feed/response.ts';
import { signToken } from './http/auth.ts';
import { serve } from './main.ts';

let stack: TestStack;
const stops: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  stack = await startTestStack();
  stops.push(stack.stop);
  const adapters = connect(stack.config, 'degraded');
  stops.push(() => disconnect(adapters));
  stops.push((await runTopologies(stack.config, 'videos')).stop);
  stops.push((await serve(stack.config)).stop);
  await new EventProducer(adapters).send(videoPublished, makeCatalogue(40, 1, Date.now()));
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

async function feed(query: string): Promise<{ status: number; page: FeedPage; tookMs: number }> {
  const began = performance.now();
  const token = await signToken(stack.config.jwt, 'viewer', [], 600);
  const response = await fetch(`http://${stack.config.host}:${stack.config.ports.serving}/api/v1/feed/foryou?${query}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: response.status, page: (await response.json()) as FeedPage, tookMs: performance.now() - began };
}

test('without Redis the feed answers from memory, says so, accepts events, and recovers by itself', async () => {
  await eventually('the feed is whole', async () => (await feed('count=10&session_id=before')).page.items?.length === 10);
  // The list in memory is refreshed every two seconds.
  await eventually('the list in memory is filled', async () => {
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    return true;
  });
  // Simulated viewers keep watching through all of it.
  const { config } = stack;
  const audience = new Audience({
    url: `http://${config.host}:${config.ports.serving}`,
    viewers: 20,
    seed: 1,
    rate: 20,
    catalogue: [],
    tokenFor: (userId) => signToken(config.jwt, userId, [], 600),
  });
  audience.start();
  await eventually('they watch', async () => audience.stats.watches > 20);
  await stack.stack.process('redis').kill9();

  const first = await feed('count=10&session_id=dark');
  expect([first.status, first.page.degraded, first.page.items.length]).toEqual([200, true, 10]);
  const second = await feed(`count=10&session_id=dark&cursor=${first.page.cursor}`);
  expect(second.page.items.filter((i) => first.page.items.some((j) => j.videoId === i.videoId))).toEqual([]);
  for (let i = 0; i < 20; i++) expect((await feed('count=5&session_id=dark')).status).toBe(200);

  const token = await signToken(config.jwt, 'viewer', [], 600);
  const engaged = await fetch(`http://${config.host}:${config.ports.serving}/api/v1/video/${first.page.items[0]?.videoId}/engage`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ eventId: crypto.randomUUID(), kind: 'like' }),
  });
  expect(engaged.status).toBe(202);
  expect((await fetch(`http://${config.host}:${config.ports.serving}/readyz`)).status).toBe(503);

  await stack.stack.process('redis').start();
  await eventually('the feed is whole again', async () => (await feed('count=10&session_id=after')).page.degraded === false);
  const before = audience.stats.watches;
  await eventually('they go on watching', async () => audience.stats.watches > before + 20);
  await audience.stop();
  expect([audience.stats.failures, audience.stats.lastFailure]).toEqual([0, undefined]);
});

test('without Kafka an event is not accepted, and the feed goes on', async () => {
  await stack.stack.process('kafka').stop();
  const { config } = stack;
  const token = await signToken(config.jwt, 'viewer', [], 600);
  const answer = fetch(`http://${config.host}:${config.ports.serving}/api/v1/video/v/engage`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ eventId: crypto.randomUUID(), kind: 'like' }),
  }).then(
    (r) => r.status,
    () => 0,
  );
  expect((await feed('count=5&session_id=nokafka')).page.items.length).toBe(5);
  expect(await answer).not.toBe(202);
  await stack.stack.process('kafka').start();
});
