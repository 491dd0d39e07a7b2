import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { readConfig } from '#infra/config.ts';
import { FfmpegMedia } from '#infra/media/ffmpeg.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { rejectionReasons } from '#schemas/media/rejection.ts';
import { checkFile } from './check.ts';
import { nobody } from './ports.ts';

const mutants = 500;
const sideBySide = 3;
const seed = 20_261_121;
const folder = mkdtempSync(join(tmpdir(), 'foryou-fuzz-'));
/** Scratch folders of this test alone: others may run beside it. */
const scratch = join(folder, 'scratch');
const tmpBefore = process.env['TMPDIR'];
mkdirSync(scratch);
process.env['TMPDIR'] = scratch;
afterAll(() => {
  if (tmpBefore === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = tmpBefore;
  rmSync(folder, { recursive: true, force: true });
});

/** Small clips of the containers and codecs that uploads come in. */
const originals: { name: string; bytes: Buffer }[] = [];
beforeAll(async () => {
  const made = [
    ['a.mp4', ['-c:v', 'libx264', '-movflags', '+faststart']],
    ['b.mp4', ['-c:v', 'libx264', '-movflags', '+frag_keyframe+empty_moov']],
    ['c.webm', ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus']],
    ['d.mkv', ['-c:v', 'mpeg4', '-c:a', 'mp3']],
    ['e.ts', ['-c:v', 'mpeg2video', '-c:a', 'mp2']],
    ['f.avi', ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-c:a', 'pcm_s16le']],
    ['g.flv', ['-c:v', 'flv', '-c:a', 'mp3', '-ar', '44100']],
    ['h.gif', []],
  ] as const;
  for (const [name, output] of made) {
    const file = await makeClip(join(folder, name), {
      seconds: 0.6,
      size: '96x64',
      rate: 10,
      sound: name.endsWith('gif') ? null : 'sine=sample_rate=48000',
      output: [...output],
    });
    originals.push({ name, bytes: await readFile(file) });
  }
});

/** A generator of numbers that the seed decides (Marsaglia's xorshift, 32 bits). */
function numbers(from: number): (below: number) => number {
  let state = from | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Cut off, with bits turned, with parts overwritten, doubled, taken out or swapped, or with sizes that are absurd. */
function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  const changed = Buffer.from(bytes);
  const at = () => random(changed.length);
  switch (random(6)) {
    case 0:
      return changed.subarray(0, at());
    case 1:
      for (let n = 1 + random(30); n > 0; n--) changed[at()] = random(256);
      return changed;
    case 2:
      changed.fill(random(2) * 255, at(), at());
      return changed;
    case 3: {
      const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
      return Buffer.concat([changed.subarray(0, to), changed.subarray(from)]);
    }
    case 4: {
      const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
      return Buffer.concat([changed.subarray(0, from), changed.subarray(to)]);
    }
    default:
      // Heads hold sizes and counts.
      for (let n = 1 + random(4); n > 0; n--)
        changed.writeUInt32BE([0xffffffff, 0x7fffffff, 0x80000000, 0, 1][random(5)] as number, random(Math.min(600, changed.length - 4)));
      return changed;
  }
}

test(`${mutants} damaged files: each ends clearly, and the worker lives on`, { timeout: 900_000 }, async () => {
  const media = new FfmpegMedia(readConfig().media.sandbox);
  const ends = new Map<string, number>();
  const unclear: string[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < mutants; i = next++) {
      const original = originals[i % originals.length] as (typeof originals)[number];
      const file = join(folder, `mutant-${i}`);
      await writeFile(file, mutate(original.bytes, numbers(Math.imul(seed + i, 0x9e3779b1))));
      try {
        const { outcome } = await checkFile({ blobs: new MemoryBlobs(), media, ...nobody }, file, new AbortController().signal);
        const end = outcome.kind === 'rejected' ? outcome.event.reason : outcome.kind;
        ends.set(end, (ends.get(end) ?? 0) + 1);
        if (outcome.kind === 'rejected' && (outcome.event.detail === '' || outcome.event.reason === 'processingFailed'))
          unclear.push(`${i} of ${original.name}: ${end} ${outcome.event.detail}`);
      } catch (error) {
        unclear.push(`${i} of ${original.name}: ${error}`);
      }
      rmSync(file, { force: true });
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  console.info(`ends: ${[...ends].map(([end, n]) => `${end} ${n}`).join(', ')}`);
  expect(unclear).toEqual([]);
  expect([...ends.keys()].every((end) => end === 'published' || (rejectionReasons as string[]).includes(end))).toBe(true);
  expect([...ends.values()].reduce((sum, n) => sum + n, 0)).toBe(mutants);
  // A clip that nobody touched is still made.
  const { outcome } = await checkFile({ blobs: new MemoryBlobs(), media, ...nobody }, join(folder, 'a.mp4'), new AbortController().signal);
  expect(outcome.kind).toBe('published');
  expect(readdirSync(scratch)).toEqual([]);
});
