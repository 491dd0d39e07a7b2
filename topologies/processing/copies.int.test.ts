import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { FfmpegMedia } from '#infra/media/ffmpeg.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { ClickHouseWarehouse } from '#infra/warehouse/clickhouse.ts';
import { type Checked, checkFile } from './check.ts';
import { KnownPictures } from './known-pictures.ts';
import { nobody } from './ports.ts';

const run = promisify(execFile);
const config = sharedConfig(inject('stackEnvironment'));
const warehouse = new ClickHouseWarehouse(config.clickhouseUrl);
const media = new FfmpegMedia(config.media.sandbox);
const folder = mkdtempSync(join(tmpdir(), 'foryou-copies-'));
afterAll(async () => {
  await warehouse.command('TRUNCATE TABLE picture_hashes');
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

const check = (file: string): Promise<Checked> =>
  checkFile({ blobs: new MemoryBlobs(), media, ...nobody, pictures: new KnownPictures(warehouse) }, file, new AbortController().signal);

const real = ['pytorchvideo_archery.mp4', 'exo_video_big_buck_bunny.mp4', 'moviepy_chaplin.mp4', 'exo_sample.avi', 'exo_video_desks.3gp']
  .map((name) => join(config.sharedData, 'video/ok', name))
  .filter((file) => existsSync(file));
if (real.length === 0) console.warn(`copies are tried on a fractal alone: no real clips in ${config.sharedData}; set FORYOU_SHARED_DATA`);
let originals: string[] = [];
beforeAll(async () => {
  await warehouse.command('TRUNCATE TABLE picture_hashes');
  const fractal = await makeClip(join(folder, 'fractal.mp4'), { seconds: 6, picture: 'mandelbrot', rate: 10 });
  originals = [...real, fractal];
});

test('different films are not copies of each other', async () => {
  for (const file of originals) expect((await check(file)).outcome.copy, file).toBeNull();
});

test.each([
  ['encoded again, badly', ['-crf', '40']],
  ['at half the size', ['-vf', 'scale=iw/2:-2']],
  ['cut to nine tenths of each side', ['-vf', 'crop=iw*0.9:ih*0.9']],
  ['cut to four fifths of each side', ['-vf', 'crop=iw*0.8:ih*0.8']],
  ['with a logo in a corner', ['-vf', 'drawbox=x=iw*0.75:y=ih*0.05:w=iw*0.2:h=ih*0.12:color=white:t=fill']],
  ['brighter, and a little faster', ['-vf', 'eq=brightness=0.08,setpts=PTS/1.05']],
] as const)('a copy %s is found', async (name, output) => {
  const missed: string[] = [];
  for (const [i, file] of originals.entries()) {
    const copy = join(folder, `${i} ${name}.mp4`);
    await run('ffmpeg', ['-v', 'error', '-y', '-i', file, '-an', '-pix_fmt', 'yuv420p', '-preset', 'ultrafast', ...output, copy]);
    const found = (await check(copy)).outcome.copy;
    // Copies are known from then on too: any of the family will do.
    if (!found || !(found.copyOf === file.split('/').at(-1) || found.copyOf.startsWith(`${i} `))) missed.push(`${file}: ${JSON.stringify(found)}`);
  }
  expect(missed).toEqual([]);
});
