import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { uploadFile } from '#infra/cli/upload-client.ts';
import type { Config } from '#infra/config.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { moderationRules } from '#schemas/config/moderation.ts';
import { runTopologies } from '../../topologies/main.ts';
import type { FeedPage } from '../feed/response.ts';
import { signToken } from '../http/auth.ts';
import { serve } from '../main.ts';

const config: Config = { ...sharedConfig(inject('stackEnvironment')), limits: { perUserPerMinute: 400, perAddressPerMinute: 100_000 } };
const adapters = connect(config, 'moderation-test');
const url = `http://${config.host}:${config.ports.serving}`;
const folder = mkdtempSync(join(tmpdir(), 'foryou-moderation-'));
const stops: (() => Promise<void>)[] = [];
let clip: Buffer;

beforeAll(async () => {
  for (const name of ['online', 'history', 'processing']) stops.push((await runTopologies(config, name)).stop);
  stops.push((await serve(config)).stop);
  clip = await readFile(await makeClip(join(folder, 'clip.mp4'), { seconds: 2, size: '320x240' }));
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await disconnect(adapters);
  rmSync(folder, { recursive: true, force: true });
});

const newUser = () => `person-${crypto.randomUUID().slice(0, 8)}`;
async function call(
  userId: string,
  method: string,
  path: string,
  body?: object,
  scopes: string[] = [],
): Promise<{ status: number; body: Record<string, never> }> {
  const headers = { authorization: `Bearer ${await signToken(config.jwt, userId, scopes, 600)}`, ...(body ? { 'content-type': 'application/json' } : {}) };
  const response = await fetch(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
}
const upload = async (creator: string, caption: string) =>
  uploadFile({ url, token: await signToken(config.jwt, creator, [], 600) }, clip, { type: 'video/mp4', caption, topics: ['test'] });
const stateOf = async (creator: string, videoId: string) =>
  (await call(creator, 'GET', `/api/v1/video/${videoId}`)).body as unknown as { state: string; reason: string; detail: string };
const becomes = (creator: string, videoId: string, state: string) =>
  eventually(`the video is ${state}`, async () => (await stateOf(creator, videoId)).state === state, 60_000);
const decide = (videoId: string, verdict: string, reason: string) => call('rita', 'POST', `/api/v1/moderation/${videoId}`, { verdict, reason }, ['moderator']);
const queue = async () =>
  (
    (await call('rita', 'GET', '/api/v1/moderation/queue', undefined, ['moderator'])).body as unknown as {
      items: { videoId: string; why: string; detail: string; reporters: number; state: string; creatorId: string; hlsUrl: string }[];
    }
  ).items;
const waits = (videoId: string, why: string) =>
  eventually(`it waits because it was ${why}`, async () => (await queue()).some((i) => i.videoId === videoId && i.why === why));
const feedHas = async (videoId: string) =>
  ((await call(newUser(), 'GET', '/api/v1/feed/foryou?count=50')).body as unknown as FeedPage).items.some((i) => i.videoId === videoId);
const audit = (videoId: string) =>
  adapters.warehouse.query<{ verdict: string; by: string; reviewer: string; rules: string; model: string }>(
    `SELECT verdict, by, reviewer, rules, model FROM moderation_decisions WHERE video_id = '${videoId}' ORDER BY occurred_at`,
  );

test('only moderators see the queue and decide', async () => {
  expect((await call(newUser(), 'GET', '/api/v1/moderation/queue')).status).toBe(403);
  expect((await call(newUser(), 'POST', '/api/v1/moderation/x', { verdict: 'remove', reason: 'no' })).status).toBe(403);
});

test('words that look like spam hold a video until a reviewer approves it; every decision is in the audit', async () => {
  const creator = newUser();
  const videoId = await upload(creator, 'buy followers here');
  await becomes(creator, videoId, 'held');
  expect((await stateOf(creator, videoId)).detail).toContain('looks like spam');
  expect((await call(newUser(), 'GET', `/api/v1/video/${videoId}`)).status).toBe(404);
  await waits(videoId, 'held');
  expect(await feedHas(videoId)).toBe(false);
  expect(await decide(videoId, 'remove', 'wrong')).toMatchObject({ status: 409 });
  expect((await decide(videoId, 'approve', 'it is about gardens')).status).toBe(202);
  await becomes(creator, videoId, 'published');
  await eventually('the queue is done with it', async () => !(await queue()).some((i) => i.videoId === videoId));
  expect(await audit(videoId)).toMatchObject([
    { verdict: 'hold', by: 'rules', rules: moderationRules.version, model: expect.stringContaining('mobilenet') },
    { verdict: 'approve', by: 'reviewer', reviewer: 'rita' },
  ]);
});

test('a reviewer rejects what was held; what words forbid is rejected at once', async () => {
  const creator = newUser();
  const held = await upload(creator, 'free followers');
  await becomes(creator, held, 'held');
  expect((await decide(held, 'reject', 'it is spam')).status).toBe(202);
  await becomes(creator, held, 'rejected');
  expect(await stateOf(creator, held)).toMatchObject({ reason: 'policyReview', detail: expect.stringContaining('it is spam') });
  const forbidden = await upload(creator, 'kys');
  await becomes(creator, forbidden, 'rejected');
  expect(await stateOf(creator, forbidden)).toMatchObject({ reason: 'policyText' });
  await eventually('the audit has it', async () => (await audit(forbidden)).some((d) => d.verdict === 'reject' && d.by === 'rules'));
});

test('a held video that its creator withdraws ends, holds up no other deletion, and cannot be approved or brought back', async () => {
  const creator = newUser();
  const videoId = await upload(creator, 'buy followers, or do not');
  await becomes(creator, videoId, 'held');
  expect((await call(creator, 'DELETE', `/api/v1/video/${videoId}`)).status).toBe(202);
  const erased = () => adapters.warehouse.query<{ n: number }>(`SELECT count() AS n FROM videos_erased WHERE video_id = '${videoId}'`);
  await eventually('it is deleted', async () => (await erased())[0]?.n === 1);
  const ends = () => adapters.warehouse.query<{ reason: string }>(`SELECT reason FROM videos_rejected WHERE video_id = '${videoId}'`);
  await eventually('it has ended', async () => (await ends()).length > 0);
  expect(await ends()).toEqual([{ reason: 'withdrawn' }]);
  expect((await decide(videoId, 'approve', 'too late')).status).toBe(409);
  expect((await decide(videoId, 'restore', 'too late')).status).toBe(409);
});

test('reports bring a video before a reviewer; removed it leaves the feed within a second; an appeal brings it back', async () => {
  const creator = newUser();
  const videoId = await upload(creator, 'a garden');
  await becomes(creator, videoId, 'published');
  const report = (userId: string) => call(userId, 'POST', `/api/v1/video/${videoId}/engage`, { eventId: crypto.randomUUID(), kind: 'report' });
  const loud = newUser();
  for (let i = 0; i < 5; i++) expect((await report(loud)).status).toBe(202);
  for (let i = 1; i < moderationRules.reportersMin; i++) expect((await report(newUser())).status).toBe(202);
  await waits(videoId, 'reported');
  expect((await queue()).find((i) => i.videoId === videoId)?.reporters).toBe(moderationRules.reportersMin);

  await eventually('it is in a feed', () => feedHas(videoId));
  expect((await decide(videoId, 'remove', 'dangerous')).status).toBe(202);
  const decidedAt = performance.now();
  await eventually('it has left every feed', async () => !(await feedHas(videoId)));
  console.info(`removed to gone: ${Math.round(performance.now() - decidedAt)} ms`);
  await eventually('nobody can see it', async () => (await call(newUser(), 'GET', `/api/v1/video/${videoId}`)).status === 404);

  expect((await call(newUser(), 'POST', `/api/v1/video/${videoId}/appeal`, { words: 'not mine' })).status).toBe(404);
  expect((await call(creator, 'POST', `/api/v1/video/${videoId}/appeal`, { words: 'it is a rake' })).status).toBe(202);
  await waits(videoId, 'appealed');
  expect((await decide(videoId, 'restore', 'a rake indeed')).status).toBe(202);
  await becomes(creator, videoId, 'published');
  await eventually('it is back', () => feedHas(videoId));
  await eventually('the queue is empty of it', async () => !(await queue()).some((i) => i.videoId === videoId));
});

test('reports that a reviewer finds wrong leave the video up and the queue; it says how what waits stands and where it plays', async () => {
  const creator = newUser();
  const videoId = await upload(creator, 'a pond');
  await becomes(creator, videoId, 'published');
  for (let i = 0; i < moderationRules.reportersMin; i++)
    expect((await call(newUser(), 'POST', `/api/v1/video/${videoId}/engage`, { eventId: crypto.randomUUID(), kind: 'report' })).status).toBe(202);
  await waits(videoId, 'reported');
  const item = (await queue()).find((i) => i.videoId === videoId);
  expect(item).toMatchObject({ state: 'published', creatorId: creator, hlsUrl: expect.stringContaining('master.m3u8') });
  expect((await decide(videoId, 'keep', 'it is a pond')).status).toBe(202);
  await eventually('the queue is done with it', async () => !(await queue()).some((i) => i.videoId === videoId));
  expect((await stateOf(creator, videoId)).state).toBe('published');
  expect(await audit(videoId)).toContainEqual(expect.objectContaining({ verdict: 'keep', reviewer: 'rita' }));
});
