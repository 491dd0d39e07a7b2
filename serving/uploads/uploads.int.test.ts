import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { uploadsOf } from '#infra/blobs/s3-uploads.ts';
import type { Config } from '#infra/config.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { uploadLimits } from '#schemas/config/media.ts';
import { mediaBucket, mediaKeys, quarantine } from '#schemas/media/store.ts';
import { sweepUploads } from '../../jobs/media/sweep-uploads.ts';
import { runTopologies, verifyStore } from '../../topologies/main.ts';
import type { FeedPage } from '../feed/response.ts';
import { signToken } from '../http/auth.ts';
import { serve } from '../main.ts';

const config: Config = { ...sharedConfig(inject('stackEnvironment')), limits: { perUserPerMinute: 400, perAddressPerMinute: 100_000 } };
const adapters = connect(config, 'uploads-test');
const blobs = new S3Blobs(config.s3);
const url = `http://${config.host}:${config.ports.serving}`;
const folder = mkdtempSync(join(tmpdir(), 'foryou-uploads-'));
const stops: (() => Promise<void>)[] = [];
let large: Buffer;
let small: Buffer;

beforeAll(async () => {
  for (const name of ['online', 'history', 'processing']) stops.push((await runTopologies(config, name)).stop);
  stops.push((await serve(config)).stop);
  large = await readFile(
    await makeClip(join(folder, 'large.mp4'), {
      seconds: 3,
      size: '640x360',
      filter: 'noise=alls=80:allf=t',
      output: ['-b:v', '30M', '-maxrate', '30M', '-bufsize', '30M'],
    }),
  );
  small = await readFile(await makeClip(join(folder, 'small.mp4'), { seconds: 2 }));
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await disconnect(adapters);
  rmSync(folder, { recursive: true, force: true });
});

const newUser = () => `creator-${crypto.randomUUID().slice(0, 8)}`;
async function call(userId: string, method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, never> }> {
  const headers = { authorization: `Bearer ${await signToken(config.jwt, userId, [], 600)}`, ...(body ? { 'content-type': 'application/json' } : {}) };
  const response = await fetch(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
}
interface Upload {
  uploadId: string;
  videoId: string;
  stored: number[];
  missing: { part: number; bytes: number; url: string }[];
}
async function begin(userId: string, bytes: Buffer, more: object = {}): Promise<Upload> {
  const { status, body } = await call(userId, 'POST', '/api/v1/video/upload', { sizeBytes: bytes.length, type: 'video/mp4', ...more });
  expect(status, JSON.stringify(body)).toBe(201);
  return body as unknown as Upload;
}
const part = (bytes: Buffer, n: number): Buffer => bytes.subarray((n - 1) * uploadLimits.partBytes, n * uploadLimits.partBytes);
const send = (bytes: Buffer, { part: n, url: to }: { part: number; url: string }) => fetch(to, { method: 'PUT', body: new Uint8Array(part(bytes, n)) });
async function whole(userId: string, bytes: Buffer, more: object = {}): Promise<Upload> {
  const upload = await begin(userId, bytes, more);
  for (const missing of upload.missing) expect((await send(bytes, missing)).status).toBe(200);
  const done = await call(userId, 'POST', '/api/v1/upload/complete', { uploadId: upload.uploadId });
  expect(done.status, JSON.stringify(done.body)).toBe(202);
  return upload;
}
/** States as the stream of events tells them. */
async function follow(userId: string, videoId: string): Promise<{ state: string; percent: number; hlsUrl: string; reason: string; detail: string }[]> {
  await eventually('the upload is known', async () => (await call(userId, 'GET', `/api/v1/video/${videoId}`)).status === 200);
  const response = await fetch(`${url}/api/v1/video/${videoId}/events`, {
    headers: { authorization: `Bearer ${await signToken(config.jwt, userId, [], 600)}` },
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  return [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string));
}
const feedOf = async (userId: string): Promise<string[]> =>
  ((await call(userId, 'GET', '/api/v1/feed/foryou?count=50')).body as unknown as FeedPage).items.map((i) => i.videoId);

describe('from a file to the feed', () => {
  test('a creator sends parts, watches the processing, and the video is in a feed with all that a player needs', async () => {
    expect(large.length).toBeGreaterThan(uploadLimits.partBytes);
    const creator = newUser();
    const sha256 = createHash('sha256').update(large).digest('hex');
    const { videoId } = await whole(creator, large, { caption: 'noise', topics: ['noise'], region: 'DE', sha256 });
    const states = await follow(creator, videoId);
    expect(states.at(-1)).toMatchObject({ state: 'published', percent: 100 });
    const before = states.slice(0, -1);
    expect(before.map((s) => s.percent)).toEqual(before.map((s) => s.percent).toSorted((a, b) => a - b));
    const video = (await call(creator, 'GET', `/api/v1/video/${videoId}`)).body as unknown as Record<string, string>;
    expect(video).toMatchObject({ state: 'published', creatorId: creator, caption: 'noise', durationMs: 3_000 });
    for (const link of ['hlsUrl', 'posterUrl', 'previewUrl', 'firstSegmentUrl']) {
      const response = await fetch(video[link] as string, { headers: { origin: 'https://app.example' } });
      expect(response.status, link).toBe(200);
      expect(response.headers.get('access-control-allow-origin'), link).toBeTruthy();
    }
    expect((await fetch(video['hlsUrl'] as string)).headers.get('content-type')).toContain('mpegurl');
    expect(video['placeholder']).toMatch(/^.{20,}$/);
    await eventually('somebody is shown it', async () => (await feedOf(newUser())).includes(videoId));

    // The same bytes of the same creator are recognised before they are sent.
    const again = await call(creator, 'POST', '/api/v1/video/upload', { sizeBytes: large.length, type: 'video/mp4', sha256 });
    expect(again).toMatchObject({ status: 409, body: { detail: expect.stringContaining(videoId) } });

    // Withdrawn: it leaves the feed, and nobody finds it any more.
    expect((await call(newUser(), 'DELETE', `/api/v1/video/${videoId}`)).status).toBe(403);
    expect((await call(creator, 'DELETE', `/api/v1/video/${videoId}`)).status).toBe(202);
    await eventually(
      'it is gone',
      async () => (await call(creator, 'GET', `/api/v1/video/${videoId}`)).status === 404 && !(await feedOf(newUser())).includes(videoId),
    );
  });

  test('the same file of somebody else is a video of its own that nothing is made anew for', async () => {
    const first = await whole(newUser(), small);
    const [one, two] = [newUser(), newUser()];
    const other = await whole(one, small);
    await follow(one, other.videoId);
    const third = await whole(two, small);
    const states = await follow(two, third.videoId);
    expect(states.at(-1)?.state).toBe('published');
    // Neither task of the content begins again: there is nothing to say between.
    expect(states.filter((s) => s.state === 'playable')).toEqual([]);
    expect(new Set([first.videoId, other.videoId, third.videoId]).size).toBe(3);
  });

  test('what is no video, and what is not the file that was announced, is rejected in words', async () => {
    const creator = newUser();
    const { videoId } = await whole(creator, Buffer.from('this is a text, whatever it says it is'));
    expect((await follow(creator, videoId)).at(-1)).toMatchObject({ state: 'rejected', reason: 'notAVideo', detail: expect.stringContaining('not a video') });
    const lied = await whole(creator, small, { sha256: '0'.repeat(64) });
    expect((await follow(creator, lied.videoId)).at(-1)).toMatchObject({ state: 'rejected', reason: 'checksumDiffers' });
    expect(await blobs.get(quarantine, mediaKeys.original(videoId)), 'the original').not.toBeNull();
    // Rejections are the creator's own affair.
    expect((await call(newUser(), 'GET', `/api/v1/video/${videoId}`)).status).toBe(404);
  });
});

describe('sending parts', () => {
  test('a part of another length is refused by the store, and so is a URL for another part', async () => {
    const creator = newUser();
    const upload = await begin(creator, large);
    const [first, second] = upload.missing;
    expect(second?.bytes).toBe(large.length - uploadLimits.partBytes);
    const put = (to: string | undefined, body: Uint8Array<ArrayBuffer>) =>
      // The store may hang up as soon as it has read the head.
      fetch(to ?? '', { method: 'PUT', body }).then(
        ({ status }) => status,
        () => 403,
      );
    expect(await put(first?.url, new Uint8Array(uploadLimits.partBytes + 1))).toBe(403);
    expect(await put(first?.url, new Uint8Array(10))).toBe(403);
    expect(await put(first?.url.replace('partNumber=1', 'partNumber=2'), new Uint8Array(part(large, 1)))).toBe(403);
    expect((await call(creator, 'GET', `/api/v1/upload/${upload.uploadId}`)).body).toMatchObject({ stored: [] });
    expect(await put(first?.url, new Uint8Array(part(large, 1)))).toBe(200);
  });

  test('complete believes the store alone; an interrupted upload goes on with what is missing; a repeated complete says the same', async () => {
    const creator = newUser();
    const upload = await begin(creator, large);
    expect((await send(large, upload.missing[0] as Upload['missing'][0])).status).toBe(200);
    const early = await call(creator, 'POST', '/api/v1/upload/complete', { uploadId: upload.uploadId });
    expect(early).toMatchObject({ status: 409, body: { detail: expect.stringContaining('parts are missing: 2') } });
    const resumed = (await call(creator, 'GET', `/api/v1/upload/${upload.uploadId}`)).body as unknown as Upload;
    expect(resumed.stored).toEqual([1]);
    expect(resumed.missing.map((m) => m.part)).toEqual([2]);
    await send(large, resumed.missing[0] as Upload['missing'][0]);
    const done = await Promise.all([1, 2, 3].map(() => call(creator, 'POST', '/api/v1/upload/complete', { uploadId: upload.uploadId })));
    expect(done.some((d) => d.status === 202)).toBe(true);
    expect((await call(creator, 'POST', '/api/v1/upload/complete', { uploadId: upload.uploadId })).body).toEqual({
      videoId: upload.videoId,
      state: 'uploaded',
    });
    expect((await follow(creator, upload.videoId)).at(-1)?.state).toBe('published');
    const rows = () => adapters.warehouse.query<{ n: number }>(`SELECT count() AS n FROM videos_uploaded WHERE video_id = '${upload.videoId}'`);
    await eventually('history has it', async () => ((await rows())[0]?.n ?? 0) > 0);
    expect(await rows()).toEqual([{ n: 1 }]);
  });

  test('uploads of others cannot be seen, completed or aborted; an aborted one is gone', async () => {
    const [mine, other] = [newUser(), newUser()];
    const { uploadId } = await begin(mine, small);
    expect((await call(other, 'GET', `/api/v1/upload/${uploadId}`)).status).toBe(404);
    expect((await call(other, 'POST', '/api/v1/upload/complete', { uploadId })).status).toBe(404);
    expect((await call(other, 'DELETE', `/api/v1/upload/${uploadId}`)).status).toBe(404);
    expect((await call(mine, 'DELETE', `/api/v1/upload/${uploadId}`)).status).toBe(204);
    expect((await call(mine, 'GET', `/api/v1/upload/${uploadId}`)).status).toBe(404);
  });

  test('too large, of no known type, or too many at once is refused with what to do', async () => {
    const creator = newUser();
    const announce = (body: object) => call(creator, 'POST', '/api/v1/video/upload', body);
    expect((await announce({ sizeBytes: 2 ** 40, type: 'video/mp4' })).status).toBe(400);
    expect((await announce({ sizeBytes: 10, type: 'text/html' })).status).toBe(400);
    expect((await announce({ sizeBytes: 10, type: 'video/mp4', derivation: 'duet' })).status).toBe(400);
    for (let i = 0; i < uploadLimits.openMax; i++) await begin(creator, small);
    expect(await announce({ sizeBytes: 10, type: 'video/mp4' })).toMatchObject({ status: 429, body: { detail: expect.stringContaining('abort one') } });
  });

  test('what nobody goes on with for a day is swept, and nothing else', async () => {
    const creator = newUser();
    const left = await begin(creator, small);
    const uploads = uploadsOf(config);
    const ports = { blobs, uploads, warehouse: adapters.warehouse, lease: { acquire: async () => null } };
    const run = { hour: new Date(), dryRun: false, fence: 1, check: () => {}, progress: () => {} };
    const isOpen = async () => (await uploads.open(quarantine)).some((u) => u.key === mediaKeys.original(left.videoId));
    await sweepUploads.run({ ...ports, clock: { now: () => Date.now() } }, run);
    expect(await isOpen()).toBe(true);
    await sweepUploads.run({ ...ports, clock: { now: () => Date.now() + uploadLimits.abandonedAfterMs + 60_000 } }, run);
    expect(await isOpen()).toBe(false);
    expect((await call(creator, 'GET', `/api/v1/upload/${left.uploadId}`)).status).toBe(404);
  });
});

describe('deletion', () => {
  test('what its creator withdraws is deleted everywhere, with proof; a stream that another video uses stays until that goes too', async () => {
    const bytes = await readFile(await makeClip(join(folder, 'mine.mp4'), { seconds: 1, size: '200x150' }));
    const [mine, theirs] = [newUser(), newUser()];
    const one = await whole(mine, bytes, { caption: 'my own words', topics: ['secret'] });
    await follow(mine, one.videoId);
    const two = await whole(theirs, bytes);
    await follow(theirs, two.videoId);
    const { hlsUrl } = (await call(mine, 'GET', `/api/v1/video/${one.videoId}`)).body as unknown as { hlsUrl: string };
    const rows = () =>
      adapters.warehouse.query<{ n: number }>(
        `SELECT (SELECT count() FROM videos_uploaded WHERE video_id = '${one.videoId}') + (SELECT count() FROM videos_published WHERE video_id = '${one.videoId}') AS n`,
      );
    await eventually('history has both facts', async () => ((await rows())[0]?.n ?? 0) === 2);

    const proof = (videoId: string) =>
      adapters.warehouse.query<{ objects: number; rows: number; shared: number }>(
        `SELECT objects, rows, shared FROM videos_erased WHERE video_id = '${videoId}'`,
      );
    expect((await call(mine, 'DELETE', `/api/v1/video/${one.videoId}`)).status).toBe(202);
    await eventually('it is proven', async () => (await proof(one.videoId)).length > 0);
    expect(await proof(one.videoId)).toEqual([{ objects: expect.any(Number), rows: 2, shared: 1 }]);
    expect(await blobs.get(quarantine, mediaKeys.original(one.videoId))).toBeNull();
    expect((await fetch(hlsUrl)).status).toBe(200);
    for (const table of ['videos_uploaded', 'videos_published'])
      expect(
        await adapters.warehouse.query(`SELECT count() AS n FROM ${table} WHERE video_id = '${one.videoId}' AND (caption != '' OR notEmpty(topics))`),
      ).toEqual([{ n: 0 }]);
    for (const prefix of ['outcomes/', 'results/', 'held/', 'users/', 'originals/'])
      for (const key of (await blobs.list(quarantine, prefix)).filter((k) => k.includes(one.videoId)))
        expect((await blobs.get(quarantine, key))?.toString(), key).not.toMatch(/my own words|secret/);

    expect((await call(theirs, 'DELETE', `/api/v1/video/${two.videoId}`)).status).toBe(202);
    await eventually('the other is proven too', async () => (await proof(two.videoId)).length > 0);
    expect((await proof(two.videoId))[0]?.shared).toBe(0);
    expect((await fetch(hlsUrl)).status).toBe(404);
  });

  test('verify finds nothing wrong, and then each thing that is', async () => {
    const creator = newUser();
    const { videoId } = await whole(creator, small);
    await follow(creator, videoId);
    const ofThese = async (...ids: string[]) => (await verifyStore(config, 0)).mismatches.filter((m) => ids.includes(m.id)).map((m) => m.what);
    await eventually('all places know it', async () => (await ofThese(videoId)).length === 0);
    const body = (await blobs.get(quarantine, mediaKeys.original(videoId))) as Buffer;
    await blobs.remove(quarantine, mediaKeys.original(videoId));
    await blobs.put(quarantine, mediaKeys.original('nobody'), Buffer.from('x'));
    await blobs.put(mediaBucket, `${mediaKeys.content('0'.repeat(64))}/master.m3u8`, Buffer.from('x'));
    const outcome = (await blobs.get(quarantine, mediaKeys.outcome(videoId))) as Buffer;
    await blobs.remove(quarantine, mediaKeys.outcome(videoId));
    expect((await ofThese(videoId)).sort()).toEqual(['an upload without an end', 'an upload without its original']);
    expect(await ofThese('nobody', '0'.repeat(64))).toEqual(['an original that no event speaks of', 'a stream that no video uses']);
    await blobs.put(quarantine, mediaKeys.original(videoId), body);
    await blobs.put(quarantine, mediaKeys.outcome(videoId), outcome);
    await blobs.remove(quarantine, mediaKeys.original('nobody'));
    await blobs.remove(mediaBucket, `${mediaKeys.content('0'.repeat(64))}/master.m3u8`);
    expect(await ofThese(videoId, 'nobody')).toEqual([]);
  });
});
