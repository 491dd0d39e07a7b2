import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, inject, test } from 'vitest';
import { processLimits } from '#schemas/config/media.ts';
import { ThreadedInference } from '../inference/threaded.ts';
import { sharedConfig } from '../testing/shared-stack.ts';
import { FfmpegMedia } from './ffmpeg.ts';
import { PictureModel } from './picture-model.ts';

const config = sharedConfig(inject('stackEnvironment'));
const inference = new ThreadedInference();
afterAll(() => inference.close());

/** What TensorFlow.js 4.22 says with the same weights of three frames of this clip, a second apart. */
const clip = join(config.sharedData, 'video/ok/imageio_cockatoo.mp4');
const reference = [
  [0.003, 0.002, 0.786, 0.2, 0.009],
  [0.004, 0.006, 0.441, 0.534, 0.015],
  [0.001, 0.002, 0.641, 0.352, 0.004],
];
if (!existsSync(clip)) console.warn(`the picture model is not compared on a real clip: there is none at ${clip}; set FORYOU_SHARED_DATA`);

test.runIf(existsSync(clip))('it says what the framework says that it was made with', async () => {
  const model = await PictureModel.load(config.cacheDir, inference);
  if (!model) throw new Error('the picture model was not installed');
  const media = new FfmpegMedia(config.media.sandbox);
  const frames = await media.frames(clip, { ...model.size, framesPerSecond: 1 }, { limits: processLimits.frames, durationMs: 14_000 });
  const rows = await model.classify(frames);
  expect(rows).toHaveLength(frames.count);
  for (const [i, row] of reference.entries())
    for (const [k, value] of row.entries()) expect(Math.abs((rows[i]?.[k] as number) - value), `${i} ${k}`).toBeLessThan(0.02);
  for (const row of rows) expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4);
});
