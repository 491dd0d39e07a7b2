import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { readConfig } from '#infra/config.ts';
import { FfmpegMedia } from '#infra/media/ffmpeg.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { mediaBucket, quarantine } from '#schemas/media/store.ts';
import { nobody } from './ports.ts';
import { processVideo } from './process-video.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'foryou-ladder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const media = new FfmpegMedia(readConfig().media.sandbox);

const video = {
  eventId: 'e',
  videoId: 'v',
  creatorId: 'c',
  occurredAt: Date.now(),
  objectKey: 'original',
  sizeBytes: 1,
  sha256: '',
  caption: '',
  topics: [],
  region: '',
  soundId: '',
  derivation: 'none' as const,
  derivedFrom: '',
  minAge: 0,
};

/** A store that says when something was written, and ends the work once `until` says so. */
class WatchedBlobs extends MemoryBlobs {
  readonly written: string[] = [];
  onWrite: (key: string) => void = () => {};
  override async put(...args: Parameters<MemoryBlobs['put']>): Promise<void> {
    await super.put(...args);
    this.written.push(args[1]);
    this.onWrite(args[1]);
  }
}

async function packets(blobs: MemoryBlobs, rendition: string): Promise<number[]> {
  const keys = (await blobs.list(mediaBucket, '')).filter((k) => k.includes(`/${rendition}/`) && !k.endsWith('.m3u8'));
  const ordered = keys.sort((a, b) => (a.endsWith('init.mp4') ? -1 : b.endsWith('init.mp4') ? 1 : a < b ? -1 : 1));
  const file = join(folder, `${crypto.randomUUID()}.mp4`);
  writeFileSync(file, Buffer.concat(await Promise.all(ordered.map(async (k) => (await blobs.get(mediaBucket, k)) as Buffer))));
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', file]);
  return stdout
    .split('\n')
    .filter((line) => /\d/.test(line))
    .map(Number.parseFloat);
}

test.each([
  ['30', 30],
  ['30000/1001', 29.97],
])('ended in the middle, the ladder goes on behind what is stored: nothing is made twice, and no frame is missing (%s a second)', async (rate, perSecond) => {
  const clip = await makeClip(join(folder, `clip-${perSecond}.mp4`), { seconds: 26, size: '640x360', filter: `fps=${rate}` });
  const blobs = new WatchedBlobs();
  for (const bucket of [quarantine, mediaBucket]) await blobs.createBucket(bucket);
  await blobs.put(quarantine, 'original', await readFile(clip));
  const services = { ...nobody, blobs, media, mediaUrl: '', clock: { now: () => Date.now() } };

  const cut = new AbortController();
  blobs.onWrite = (key) => {
    if (key.endsWith('.way.json')) cut.abort(new Error('ended from outside'));
  };
  await expect(processVideo(services, video, cut.signal)).rejects.toThrow();
  const way = (await blobs.list(quarantine, 'results/content/')).find((k) => k.endsWith('.way.json')) as string;
  const { segments } = JSON.parse((await blobs.get(quarantine, way))?.toString() ?? '{}') as { segments: { name: string }[][] };
  expect(segments.map((s) => s.length)).toEqual([4, 4]);

  blobs.written.length = 0;
  const listed: number[] = [];
  blobs.onWrite = (key) => {
    if (key.endsWith('144p/index.m3u8')) void blobs.get(mediaBucket, key).then((list) => listed.push(list?.toString().match(/#EXTINF/g)?.length ?? 0));
  };
  const played: string[] = [];
  const end = await processVideo(services, video, new AbortController().signal, { onPlayable: (url) => played.push(url) });
  expect(end.kind).toBe('published');
  expect(played).toHaveLength(1);
  const again = blobs.written.filter((k) => /\/(144p|360p)\/0000[0-3]\.m4s$/.test(k));
  expect(again, 'segments that were made twice').toEqual([]);
  expect(blobs.written.filter((k) => /360p\/\d+\.m4s$/.test(k)).length).toBeGreaterThanOrEqual(9);
  expect(listed, 'a list that players read never gets shorter').toEqual(listed.toSorted((a, b) => a - b));
  for (const rendition of ['144p', '360p']) {
    const times = await packets(blobs, rendition);
    expect(times).toHaveLength(Math.round(26 * perSecond));
    for (const [i, at] of times.entries())
      expect(Math.abs(at - i / (perSecond === 30 ? 30 : 30_000 / 1_001)), `frame ${i} of ${rendition}`).toBeLessThan(0.004);
  }
});
