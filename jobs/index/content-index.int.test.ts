import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { publishedVideo, type VideoPublished, videoPublished } from '#schemas/events/video-published.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { packVector } from '#schemas/media/content-vector.ts';
import type { FeedPage } from '../../serving/feed/response.ts';
import { signToken } from '../../serving/http/auth.ts';
import { serve } from '../../serving/main.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { runTopologies } from '../../topologies/main.ts';
import { logicalHour } from '../engine/job.ts';
import { runNamedJob } from '../main.ts';

const config = sharedConfig(inject('stackEnvironment'));
const adapters = connect(config, 'content-test');
const producer = new EventProducer(adapters);
const run = crypto.randomUUID().slice(0, 8);
const dims = 24;
const stops: (() => Promise<unknown>)[] = [];

/** A video of a style: styles point in different directions, videos of one differ a little. */
const styled = (name: string, style: number, i: number, model = 'test/test'): VideoPublished =>
  publishedVideo({
    eventId: `${run}-${name}-p`,
    videoId: `${run}-${name}`,
    creatorId: `${run}-c${i % 7}`,
    occurredAt: Date.now() - 60_000,
    durationMs: 9_000,
    region: 'BR',
    visualVector: packVector(Float32Array.from({ length: dims }, (_, d) => (d % 6 === style ? 1 : 0) + 0.2 * Math.sin(7 * i + 3 * d))),
    vectorModel: model,
  });
const videos = Array.from({ length: 120 }, (_, i) => styled(`v${i}`, i % 6, i));

beforeAll(async () => {
  for (const group of ['online', 'videos-published-history', 'videos-removed-history']) stops.push((await runTopologies(config, group)).stop);
  await producer.send(videoPublished, [...videos, styled('other-model', 0, 1, 'another/model')]);
  await producer.send(videoRemoved, [{ eventId: `${run}-gone`, videoId: `${run}-v6`, occurredAt: Date.now(), reason: 'creator' }]);
  await eventually('history has them', async () => {
    const [row] = await adapters.warehouse.query<{ p: number; r: number }>(
      `SELECT (SELECT count() FROM videos_published WHERE startsWith(video_id, '${run}')) AS p, (SELECT count() FROM videos_removed WHERE startsWith(video_id, '${run}')) AS r`,
    );
    return Number(row?.p) === 121 && Number(row?.r) === 1;
  });
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await disconnect(adapters);
});

test('what looks like what a viewer finished is found before anybody has answered it, however new; what is gone is not', async () => {
  const before = await runNamedJob(config, 'build-content-index', { hours: [logicalHour(Date.now() - 48 * 3_600_000)] });
  expect(before, 'where there is nothing to compare there is no index').toEqual({ rows: 0, promoted: 0 });
  const built = await runNamedJob(config, 'build-content-index', { hours: [logicalHour(Date.now())] });
  // The video of another model and the removed one are not in it.
  expect(built).toMatchObject({ rows: 119, promoted: 1 });
  expect(built['recall']).toBeGreaterThan(0.98);
  stops.push((await serve(config)).stop);
  const url = `http://${config.host}:${config.ports.serving}`;
  await eventually(
    'serving has it',
    async () => ((await (await fetch(`${url}/readyz`)).json()) as { artifacts: { content: string | null } }).artifacts.content !== null,
  );

  const user = `content-viewer-${run}`;
  const watched = [0, 12, 18].map((i) => videos[i] as VideoPublished);
  await producer.send(
    engagement,
    watched.map((v, i) => ({
      ...makeEngagement(i, `${run}-watch`, Date.now()),
      userId: user,
      videoId: v.videoId,
      creatorId: v.creatorId,
      topic: '',
      kind: 'watch' as const,
      watchedMs: v.durationMs,
      durationMs: v.durationMs,
    })),
  );
  const authorization = `Bearer ${await signToken(config.jwt, user, ['explain'], 600)}`;
  const look = async () => {
    const page = (await (
      await fetch(`${url}/api/v1/feed/foryou?count=20&explain=1&session_id=${crypto.randomUUID()}`, { headers: { authorization } })
    ).json()) as FeedPage;
    return (page.explain?.candidates ?? []).filter((c) => c.sources.includes('similar-content') && c.videoId.startsWith(run)).map((c) => c.videoId);
  };
  await eventually('the source speaks', async () => (await look()).length > 0);
  const found = await look();
  const style = (id: string) => Number(id.split('-v')[1]) % 6;
  // There are twenty of a style, and of each seed thirty neighbours are asked for.
  expect(found.filter((id) => style(id) === 0).length).toBeGreaterThanOrEqual(17);
  expect(found).not.toContain(`${run}-v6`);
  expect(found).not.toContain(`${run}-other-model`);

  // Published after the index was built.
  await producer.send(videoPublished, [{ ...styled('new', 0, 3), occurredAt: Date.now() }]);
  await eventually('the new video is offered', async () => (await look()).includes(`${run}-new`));
});
