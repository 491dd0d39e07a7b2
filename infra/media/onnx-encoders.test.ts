import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { unpackVector } from '#schemas/media/content-vector.ts';
import { checkFile } from '../../topologies/processing/check.ts';
import { spectrum } from '../../topologies/processing/descriptors/sound.ts';
import { nobody } from '../../topologies/processing/ports.ts';
import { MemoryBlobs } from '../blobs/memory.ts';
import { readConfig } from '../config.ts';
import { encodeOnnx } from '../inference/onnx-model.ts';
import { OnnxRuntime } from '../inference/onnx-runtime.ts';
import { FfmpegMedia } from './ffmpeg.ts';
import { makeClip } from './make-clip.ts';
import { OnnxSoundEncoder, OnnxVisualEncoder } from './onnx-encoders.ts';

const folder = mkdtempSync(join(tmpdir(), 'foryou-encoders-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inference = new OnnxRuntime();

/** A model that gives the mean over some axes of its input. */
function meanOver(name: string, dims: readonly number[], axes: readonly number[], metadata: Readonly<Record<string, string>> = {}): string {
  const left = dims.filter((_d, i) => !axes.includes(i + 1));
  const graph = {
    name: 'mean',
    nodes: [{ op: 'ReduceMean', inputs: ['x'], outputs: ['vector'], attributes: { axes, keepdims: 0 } }],
    constants: [],
    inputs: [{ name: 'x', dims: ['n', ...dims] }],
    outputs: [{ name: 'vector', dims: ['n', ...left] }],
    metadata,
  };
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, encodeOnnx(graph));
  return file;
}
/** Frames of one colour each; more than go through a model at once. */
const frames = (colours: readonly (readonly number[])[]) => {
  const [width, height] = [6, 4];
  return {
    width,
    height,
    framesPerSecond: 1,
    count: colours.length,
    pixels: Buffer.from(colours.flatMap((c) => Array.from({ length: width * height }, () => c).flat())),
  };
};
const colours = [...Array.from({ length: 9 }, () => [255, 0, 51]), [0, 0, 51]];

test('pictures go in either order of channels, scaled as the model says; a video is the mean of its frames', async () => {
  const last = await OnnxVisualEncoder.load(meanOver('last', [4, 6, 3], [1, 2]), inference);
  expect(last.size).toEqual({ width: 6, height: 4 });
  const first = await OnnxVisualEncoder.load(meanOver('first', [3, 4, 6], [2, 3], { mean: '0.5,0.5,0.5', std: '0.5,0.25,0.1' }), inference);
  const plain = await last.encode(frames(colours));
  for (const [i, value] of [0.9, 0, 0.2].entries()) expect(plain[i]).toBeCloseTo(value, 5);
  const scaled = await first.encode(frames(colours));
  for (const [i, value] of [0.8, -2, -3].entries()) expect(scaled[i]).toBeCloseTo(value, 4);
  expect(last.version).toMatch(/^onnx-[0-9a-f]{12}$/);
  expect(last.version).not.toBe(first.version);
});

test('sound goes in by whole patches, with or without a channel; a short one is filled up', async () => {
  const { bands } = spectrum;
  const patch = 8;
  for (const file of [meanOver('three', [patch, bands], [1]), meanOver('four', [1, patch, bands], [1, 2])]) {
    const encoder = await OnnxSoundEncoder.load(file, inference);
    const mels = Float32Array.from({ length: 20 * patch * bands }, (_, i) => (i % bands) + Math.floor(i / (patch * bands)));
    const vector = await encoder.encode(mels);
    expect(vector).toHaveLength(bands);
    for (const band of [0, 31, 63]) expect(vector[band]).toBeCloseTo(band + 9.5, 3);
    const short = await encoder.encode(new Float32Array(2 * bands).fill(-4));
    for (const value of short) expect(value).toBeCloseTo(-4, 5);
  }
});

test('a model of another shape, and a file that is not there, say what to set', async () => {
  const flat = meanOver('flat', [10], [1]);
  await expect(OnnxVisualEncoder.load(flat, inference)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('FORYOU_VISUAL_MODEL'),
  });
  await expect(OnnxSoundEncoder.load(flat, inference)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('FORYOU_SOUND_MODEL'),
  });
  await expect(OnnxVisualEncoder.load(join(folder, 'nowhere.onnx'), inference)).rejects.toMatchObject({ code: 'config-invalid' });
});

test('configured models make the vectors of an upload, and are named', async () => {
  const visualEncoder = await OnnxVisualEncoder.load(meanOver('look', [8, 8, 3], [1, 2]), inference);
  const soundEncoder = await OnnxSoundEncoder.load(meanOver('hear', [96, 64], [1]), inference);
  const file = await makeClip(join(folder, 'clip.mp4'), { seconds: 3, size: '320x240' });
  const services = { ...nobody, visualEncoder, soundEncoder, blobs: new MemoryBlobs(), media: new FfmpegMedia(readConfig().media.sandbox) };
  const { outcome } = await checkFile(services, file, new AbortController().signal);
  if (outcome.kind !== 'published') throw new Error(`it was ${outcome.kind}`);
  expect(outcome.event.vectorModel).toBe(`${visualEncoder.version}/${soundEncoder.version}`);
  expect([unpackVector(outcome.event.visualVector)?.length, unpackVector(outcome.event.soundVector)?.length]).toEqual([3, 64]);
});
