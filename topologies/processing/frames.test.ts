import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileAt, lookOf } from './frames.ts';
import type { MediaJob } from './job.ts';

const scratch = mkdtempSync(join(tmpdir(), 'foryou-frames-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A store whose objects hold their own names. */
let fetched: string[] = [];
const content = {
  get: async (name: string) => {
    fetched.push(name);
    return Buffer.from(`${name};`);
  },
};
const jobOf = () => ({ scratch, content, files: new Map() }) as unknown as MediaJob;
const segment = (i: number, seconds: number) => ({ name: `0000${i}.m4s`, seconds, bytes: 1 });
const track = {
  folder: '1080p',
  codec: '',
  initBytes: 1,
  segments: [segment(0, 2), segment(1, 2), segment(2, 2), segment(3, 1)],
  width: 1_920,
  height: 1_080,
  framesPerSecond: 25,
};

test.each([
  [0, 0, 0],
  [1_999, 0, 1_940],
  [2_000, 1, 0],
  [5_500, 2, 1_500],
  [6_500, 3, 500],
  [60_000, 3, 940],
])('a moment at %i ms lies in segment %i at %i ms, never behind its last frame', async (atMs, place, within) => {
  const found = await fileAt(jobOf(), track, atMs);
  expect(readFileSync(found.file, 'utf8')).toBe(`1080p/init.mp4;1080p/0000${place}.m4s;`);
  expect(found.atMs).toBeCloseTo(within, 6);
});

test('moments of one segment share its file: what one of them reads is not written again', async () => {
  fetched = [];
  const job = jobOf();
  const [a, b] = await Promise.all([fileAt(job, track, 4_100), fileAt(job, track, 5_100)]);
  expect(a?.file).toBe(b?.file);
  expect((await fileAt(job, track, 4_600)).file).toBe(a?.file);
  expect(fetched).toEqual(['1080p/init.mp4', '1080p/00002.m4s']);
});

test('frames are few, at an even pace, and the same for lengths that differ by a hair', () => {
  expect(lookOf({ width: 640, height: 360 }, 15)).toEqual({ width: 192, height: 108, framesPerSecond: 4 });
  expect(lookOf({ width: 360, height: 640 }, 0.1)).toEqual({ width: 108, height: 192, framesPerSecond: 30 });
  expect(lookOf({ width: 640, height: 360 }, 180.02)).toEqual(lookOf({ width: 640, height: 360 }, 180));
  expect(lookOf({ width: 640, height: 360 }, 60, { width: 224, height: 224 })).toEqual({ width: 224, height: 224, framesPerSecond: 1 });
});
