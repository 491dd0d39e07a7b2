import { expect, test } from 'vitest';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { ForyouError } from '#infra/errors.ts';
import type { VideoUploaded } from '#schemas/events/video-uploaded.ts';
import { mediaBucket, mediaKeys, quarantine } from '#schemas/media/store.ts';
import { Attempts } from './attempts.ts';
import { rejectedFor } from './outcome.ts';
import { decideOnce, readOutcome, users } from './results.ts';

async function store(): Promise<MemoryBlobs> {
  const blobs = new MemoryBlobs();
  for (const bucket of [quarantine, mediaBucket]) await blobs.createBucket(bucket);
  return blobs;
}
const video = { videoId: 'v', creatorId: 'c' } as VideoUploaded;

test('two workers that end one upload differently: the first decision stands, and both are told so', async () => {
  const blobs = await store();
  const [one, other] = [rejectedFor(video, 'a', 'damaged', 'seen by the first', 1), rejectedFor(video, 'a', 'tooLong', 'seen by the second', 2)];
  expect(await decideOnce(blobs, 'v', one)).toEqual(one);
  expect(await decideOnce(blobs, 'v', other)).toEqual(one);
  expect(await readOutcome(blobs, 'v')).toEqual(one);
});

test('what was made of a content stays while another video uses it; then its results go before its files', async () => {
  const blobs = await store();
  for (const id of ['one', 'one-more']) await users.add(blobs, 'sha', id);
  await blobs.put(quarantine, `${mediaKeys.contentResults('sha')}probe-1.json`, Buffer.from('{}'));
  await blobs.put(mediaBucket, `${mediaKeys.content('sha')}/master.m3u8`, Buffer.from('#EXTM3U'));
  const gone: string[] = [];
  const remove = blobs.remove.bind(blobs);
  blobs.remove = async (bucket, key) => {
    gone.push(key);
    await remove(bucket, key);
  };
  // The other id begins with this one: it is not taken for it.
  expect(await users.remove(blobs, 'sha', 'one')).toEqual({ objects: 1, shared: 1 });
  expect(await users.remove(blobs, 'sha', 'one-more')).toEqual({ objects: 3, shared: 0 });
  expect(gone).toEqual([
    mediaKeys.user('sha', 'one'),
    mediaKeys.user('sha', 'one-more'),
    `${mediaKeys.contentResults('sha')}probe-1.json`,
    `${mediaKeys.content('sha')}/master.m3u8`,
  ]);
});

test('a step that never ends is given up after four beginnings; one that ended, or that we ended, starts anew', async () => {
  const blobs = await store();
  for (let i = 0; i < 4; i++) await new Attempts(blobs, 'v').begin('ladder');
  await expect(new Attempts(blobs, 'v').begin('ladder')).rejects.toMatchObject({ reason: 'processingFailed' });
  await new Attempts(blobs, 'v').forgive('ladder');
  await expect(new Attempts(blobs, 'v').begin('ladder')).resolves.toBeUndefined();
});

test("an outage is nobody's fault: beginnings that the store did not take do not count, and forgiveness holds at once", async () => {
  const blobs = await store();
  const put = blobs.put.bind(blobs);
  let away = true;
  blobs.put = async (...args) => {
    if (away) throw new ForyouError('unavailable', 'full');
    return put(...args);
  };
  const attempts = new Attempts(blobs, 'v');
  for (let i = 0; i < 10; i++) await expect(attempts.begin('ladder')).rejects.toMatchObject({ code: 'unavailable' });
  for (let i = 0; i < 10; i++) {
    away = false;
    await attempts.begin('ladder');
    away = true;
    await expect(attempts.forgive('ladder')).rejects.toMatchObject({ code: 'unavailable' });
  }
});
