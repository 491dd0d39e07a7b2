import { expect, test } from 'vitest';
import type { Frames } from '#infra/media/media.ts';
import { contentSpaceOf, packVector, placeIn } from '#schemas/media/content-vector.ts';
import { chapterStarts, chaptersFile } from '../chapters.ts';
import { frameStats, sceneStarts } from '../look.ts';
import { logMel, sampleRate, soundDescriptor, soundDims, spectrum } from './sound.ts';
import { visualDescriptor, visualDims } from './visual.ts';

const [width, height] = [48, 32];

/** Frames whose pixels follow from place and time. */
function film(count: number, colour: (x: number, y: number, f: number) => readonly [number, number, number], framesPerSecond = 4): Frames {
  const pixels = Buffer.alloc(count * width * height * 3);
  let at = 0;
  for (let f = 0; f < count; f++)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) for (const c of colour(x, y, f)) pixels[at++] = Math.max(0, Math.min(255, c));
  return { width, height, framesPerSecond, count, pixels };
}
const describe = (frames: Frames): Float32Array => visualDescriptor(frames, sceneStarts(frameStats(frames)));
const stripes = (period: number, across: boolean, speed: number, tint: readonly [number, number, number]) => (x: number, y: number, f: number) => {
  const light = 128 + 100 * Math.sin((2 * Math.PI * ((across ? y : x) + speed * f)) / period);
  return tint.map((t) => light * t) as unknown as readonly [number, number, number];
};
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);

/** Which of the others each is nearest to. */
function nearest(vectors: readonly Float32Array[]): number[] {
  const texts = vectors.map((v) => ({ visualVector: packVector(v), soundVector: '' }));
  const space = contentSpaceOf(texts);
  const places = texts.map((t) => placeIn(space, t) as Float32Array);
  return places.map((p, i) => {
    const scores = places.map((q, j) => (i === j ? -2 : dot(p, q)));
    return scores.indexOf(Math.max(...scores));
  });
}

test('films of one look find each other by colour, by texture and by motion', () => {
  const [red, blue]: (readonly [number, number, number])[] = [
    [1, 0.3, 0.3],
    [0.3, 0.4, 1],
  ];
  const colours = [
    stripes(8, true, 1, red as never),
    stripes(9, true, 1, red as never),
    stripes(8, true, 1, blue as never),
    stripes(9, true, 1, blue as never),
  ];
  expect(nearest(colours.map((c) => describe(film(12, c))))).toEqual([1, 0, 3, 2]);
  const grey: readonly [number, number, number] = [1, 1, 1];
  const textures = [stripes(8, true, 0, grey), stripes(9, true, 0, grey), stripes(8, false, 0, grey), stripes(9, false, 0, grey)];
  expect(nearest(textures.map((c) => describe(film(12, c))))).toEqual([1, 0, 3, 2]);
  const motions = [stripes(12, true, 0, grey), stripes(12, true, 0.02, grey), stripes(12, true, 4, grey), stripes(12, true, 4.4, grey)];
  expect(nearest(motions.map((c) => describe(film(12, c))))).toEqual([1, 0, 3, 2]);
});

test('every number is finite and of one size, for a single frame and for black too', () => {
  for (const frames of [film(1, () => [0, 0, 0]), film(1, (x) => [5 * x, 0, 255]), film(60, (x, y, f) => [(x * f) % 256, (y * f) % 256, 90])]) {
    const vector = describe(frames);
    expect(vector).toHaveLength(visualDims);
    for (const value of vector) expect(Math.abs(value)).toBeLessThanOrEqual(1.01);
  }
});

const tone = (hz: number, seconds: number, beat = 0) =>
  Float32Array.from({ length: seconds * sampleRate }, (_, i) => {
    const t = i / sampleRate;
    return 0.4 * Math.sin(2 * Math.PI * hz * t) * (beat === 0 || (t * beat) % 1 < 0.3 ? 1 : 0);
  });

test('a tone stands in its band', () => {
  const mels = logMel(tone(1_000, 1));
  expect(mels.length / spectrum.bands).toBe(98);
  const row = [...mels.subarray(0, spectrum.bands)];
  const band = row.indexOf(Math.max(...row));
  const mel = (hz: number) => 1_127 * Math.log1p(hz / 700);
  const expected = ((mel(1_000) - mel(125)) / (mel(7_500) - mel(125))) * 65 - 1;
  expect(Math.abs(band - expected)).toBeLessThanOrEqual(1);
});

test('sounds alike lie close; a beat is heard; silence is nothing', () => {
  const hear = (samples: Float32Array) => soundDescriptor(logMel(samples)) as Float32Array;
  const sounds = [tone(300, 3), tone(310, 3), tone(3_000, 3), tone(3_100, 3), tone(300, 3, 2), tone(310, 3, 2)].map(hear);
  for (const sound of sounds) expect(sound).toHaveLength(soundDims);
  expect(nearest(sounds)).toEqual([1, 0, 3, 2, 5, 4]);
  // Two beats a second: onsets come again after four eighths.
  const beats = (hear(tone(300, 6, 2)) as Float32Array).subarray(-12);
  expect([3, 4]).toContain(beats.indexOf(Math.max(...beats)));
  expect(soundDescriptor(logMel(new Float32Array(sampleRate)))).toBeNull();
  expect(soundDescriptor(logMel(new Float32Array(10)))).toBeNull();
});

test('chapters join scenes that look alike, never shorter than allowed; a short video is one', () => {
  const tints = [
    [200, 20, 20],
    [20, 200, 20],
    [20, 20, 200],
  ] as const;
  // Twelve scenes of five seconds: four of each colour, cuts between them by a flash of light.
  const scene = (f: number) => Math.floor(f / 20);
  const long = film(240, (x, y, f) => tints[Math.floor(scene(f) / 4)]?.map((c) => c + ((x * (3 + (scene(f) % 4)) + y) % 40)) as never);
  const scenes = Array.from({ length: 12 }, (_, i) => 20 * i);
  expect(chapterStarts(long, scenes)).toEqual([0, 80, 160]);
  expect(
    chapterStarts(
      film(40, () => [9, 9, 9]),
      [0, 20],
    ),
  ).toEqual([0]);
  const hasty = chapterStarts(
    film(240, (_x, _y, f) => tints[scene(f) % 3] as never),
    scenes,
  );
  for (const [i, start] of hasty.entries()) expect((hasty[i + 1] ?? 240) - start).toBeGreaterThanOrEqual(32);
  expect(chaptersFile([0, 20_000], 61_500)).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:20.000\nChapter 1\n\n00:00:20.000 --> 00:01:01.500\nChapter 2');
});
