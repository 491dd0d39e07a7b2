import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Adapters, connect, disconnect } from '#infra/adapters.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { lagOf } from '#infra/log/lag.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { EventReader } from '#infra/registry/event-reader.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { videoRejected } from '#schemas/events/video-rejected.ts';
import { videoUploaded } from '#schemas/events/video-uploaded.ts';
import { mediaBucket, quarantine } from '#schemas/media/store.ts';
import { processing } from '../processing/processing.ts';
import { processingGroup } from '../processing/topology.ts';
import { Worker } from './harness.ts';

let stack: TestStack;
let adapters: Adapters;
let blobs: S3Blobs;
let producer: EventProducer;
const folder = mkdtempSync(join(tmpdir(), 'foryou-clips-'));
const workers: Worker[] = [];

beforeAll(async () => {
  stack = await startTestStack({ FORYOU_PARTITIONS: '1' });
  adapters = connect(stack.config, 'test-processing');
  blobs = new S3Blobs(stack.config.s3);
  producer = new EventProducer(adapters);
});
afterAll(async () => {
  await Promise.all(workers.map((w) => w.end('SIGKILL')));
  await disconnect(adapters);
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function worker(step?: string): Worker {
  const started = new Worker(stack.config, 'processing', step ? { step, occurrence: 1 } : undefined);
  workers.push(started);
  return started;
}

/** Another picture for each video: equal files would share their results. */
let clips = 0;
async function upload(videoId: string, body?: Buffer): Promise<void> {
  clips++;
  const bytes = body ?? (await readFile(await makeClip(join(folder, `${videoId}.mp4`), { seconds: 3, size: `${480 + 2 * clips}x360`, rate: 24 })));
  const objectKey = `originals/${videoId}`;
  await blobs.put(quarantine, objectKey, bytes);
  const common = { creatorId: `creator-${clips % 3}`, sha256: '', caption: 'a clip', topics: ['test'], region: 'DE', soundId: '', derivedFrom: '', minAge: 0 };
  const derivation = 'none' as const;
  await producer.send(videoUploaded, [
    { eventId: `${videoId}/uploaded`, videoId, occurredAt: Date.now(), objectKey, sizeBytes: bytes.length, derivation, ...common },
  ]);
}

/** Every terminal event in the log, by video. */
async function ends(): Promise<Map<string, string[]>> {
  const found = new Map<string, Set<string>>();
  for (const contract of [videoPublished, videoRejected]) {
    const reader = new EventReader(contract as typeof videoPublished, adapters.registry);
    const pending: Promise<void>[] = [];
    for (const { partition, high } of await adapters.log.offsets(contract.topic))
      await adapters.log.read(contract.topic, partition, 0, high, (records) => {
        for (const record of records)
          pending.push(
            reader.read(record).then((event) => {
              // An id that comes twice is one fact: histories and features count it once.
              if (event) found.set(event.videoId, (found.get(event.videoId) ?? new Set()).add(event.eventId));
            }),
          );
      });
    await Promise.all(pending);
  }
  return new Map([...found].map(([id, events]) => [id, [...events]]));
}

async function expectEnd(videoId: string, kind: 'published' | 'rejected'): Promise<void> {
  await eventually(`${videoId} has ended`, async () => ((await ends()).get(videoId) ?? []).length > 0, 90_000);
  await eventually('the upload is committed', async () => (await lagOf(adapters.log, processingGroup, videoUploaded.topic)) === 0, 60_000);
  // I8: exactly one terminal state.
  expect((await ends()).get(videoId)).toEqual([`${videoId}/${kind}`]);
}

/** What the master names is there, whole. */
async function expectPlayable(videoId: string): Promise<void> {
  const outcome = JSON.parse((await blobs.get(quarantine, `outcomes/${videoId}.json`))?.toString() ?? '{}') as { event: { hlsUrl: string } };
  const prefix = outcome.event.hlsUrl.split(`${mediaBucket}/`)[1]?.replace('/master.m3u8', '') as string;
  const master = (await blobs.get(mediaBucket, `${prefix}/master.m3u8`))?.toString() ?? '';
  const lists = [...master.matchAll(/^[^#\n].*\.m3u8$/gm), ...master.matchAll(/(?<=URI=")[^"]+/g)].map(([name]) => name);
  expect(lists.length).toBeGreaterThan(1);
  for (const list of lists) {
    const text = (await blobs.get(mediaBucket, `${prefix}/${list}`))?.toString() ?? '';
    expect(text).toContain('#EXT-X-ENDLIST');
    for (const [name] of text.matchAll(/^[^#\n].*\.m4s$/gm))
      expect(await blobs.get(mediaBucket, `${prefix}/${list.split('/')[0]}/${name}`), `${list} ${name}`).not.toBeNull();
  }
}

// A task that began and one whose needs have ended look the same to the next worker; the ladder stands for all.
const boundaries = ['ladder:begins', ...processing.map(({ name }) => `${name}:ended`)];

test.each(['W1', 'W2', 'W3', 'W4', 'W5', ...boundaries])('kill -9 as %s is reached: the next worker goes on, and the upload ends once', async (step) => {
  const videoId = `killed-at-${step.replace(':', '-')}`;
  const victim = worker(step);
  await upload(videoId);
  await victim.frozen;
  await victim.end('SIGKILL');
  const done = victim.tasks.filter((t) => t.endsWith(':ended')).map((t) => t.replace(':ended', ''));
  const next = worker();
  await expectEnd(videoId, 'published');
  await expectPlayable(videoId);
  expect(
    next.tasks.filter((t) => done.some((name) => t === `${name}:begins`)),
    'tasks that were made twice',
  ).toEqual([]);
  await next.end('SIGTERM');
});

test('kill -9 in the middle of a transcode: what is there is a list that grows, and the next worker makes it whole', async () => {
  const videoId = 'killed-in-transcode';
  const clip = await makeClip(join(folder, 'long.mp4'), { seconds: 40, size: '1280x720', rate: 30 });
  const victim = worker();
  const before = new Set(await blobs.list(mediaBucket, 'content/'));
  await upload(videoId, await readFile(clip));
  let first = '';
  await eventually('the first segments are there, and it is written down', async () => {
    first = (await blobs.list(mediaBucket, 'content/')).find((key) => key.endsWith('144p/index.m3u8') && !before.has(key)) ?? '';
    return first !== '' && (await blobs.list(quarantine, `results/${first.split('/144p')[0]}/`)).some((key) => key.endsWith('.way.json'));
  });
  await victim.end('SIGKILL');
  // A box that players pass over: whoever made this segment again would lose it.
  const second = first.replace('index.m3u8', '00001.m4s');
  const mark = Buffer.from('0000000866726565', 'hex');
  await blobs.put(mediaBucket, second, Buffer.concat([(await blobs.get(mediaBucket, second)) as Buffer, mark]));
  expect((await blobs.get(mediaBucket, first))?.toString()).not.toContain('#EXT-X-ENDLIST');
  expect(await blobs.get(mediaBucket, first.replace('144p/index', 'master'))).toBeNull();
  expect((await ends()).get(videoId)).toBeUndefined();
  const next = worker();
  await expectEnd(videoId, 'published');
  await expectPlayable(videoId);
  expect((await blobs.get(mediaBucket, second))?.subarray(-8), 'made twice').toEqual(mark);
  expect((await readdir(tmpdir())).filter((name) => name.startsWith('foryou-media-') && name.includes(`-${victim.child.pid}-`))).toEqual([]);
  await next.end('SIGTERM');
});

test('a file that kills its worker again and again is rejected in the end', async () => {
  const videoId = 'kills-its-worker';
  await upload(videoId);
  for (let i = 0; i < 4; i++) {
    const victim = worker('ladder:begins');
    await victim.frozen;
    await victim.end('SIGKILL');
  }
  const next = worker();
  await expectEnd(videoId, 'rejected');
  await next.end('SIGTERM');
  const outcome = JSON.parse((await blobs.get(quarantine, `outcomes/${videoId}.json`))?.toString() ?? '{}') as { event: { reason: string } };
  expect(outcome.event.reason).toBe('processingFailed');
  expect(await blobs.get(quarantine, `originals/${videoId}`), 'the original').not.toBeNull();
});

test('the store away while a video is made: it waits, and goes on', async () => {
  const videoId = 'store-away';
  const running = worker('sound:ended');
  await upload(videoId);
  await running.frozen;
  await running.end('SIGKILL');
  const s3 = stack.stack.process('s3');
  const next = worker();
  await eventually('the ladder has begun', async () => next.tasks.includes('ladder:begins'));
  await s3.kill9();
  await s3.start();
  await expectEnd(videoId, 'published');
  await expectPlayable(videoId);
  await next.end('SIGTERM');
});
