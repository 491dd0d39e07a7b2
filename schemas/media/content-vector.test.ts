import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentSpaceOf, packVector, placeIn, projected, unpackVector, vectorDimsMax } from './content-vector.ts';

const numbers = (length: number) =>
  fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);

test('a packed vector comes back to within half a step', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: vectorDimsMax }).chain(numbers), (values) => {
      const most = Math.max(...values.map(Math.abs));
      const back = unpackVector(packVector(values));
      if (most < 1e-30) return back === null;
      return back !== null && values.every((v, i) => Math.abs(v - (back[i] as number)) <= (most / 127) * 0.501);
    }),
  );
});

test.each(['', 'AAAA', 'not base64!', Buffer.alloc(300, 1).toString('base64'), Buffer.from([0, 0, 128, 255, 1, 2]).toString('base64')])(
  'what is no vector is none: %s',
  (text) => expect(unpackVector(text)).toBeNull(),
);

test('a projection keeps angles, and is the same one every time', () => {
  const random = (seed: number) => Float32Array.from({ length: 1_280 }, (_, i) => Math.sin(seed * 97 + i * 12.9898) * Math.cos(i * 78.233 * seed));
  for (let i = 1; i < 5; i++) {
    const other = random(i + 50);
    const [a, b] = [random(i), random(i).map((v, k) => v + (other[k] as number) * 0.5)];
    const [p, q] = [projected(a), projected(b)];
    expect(p).toHaveLength(vectorDimsMax);
    expect([...projected(a)]).toEqual([...p]);
    const cosine = (x: Float32Array, y: Float32Array) => dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
    expect(Math.abs(cosine(a, b) - cosine(p, q))).toBeLessThan(0.2);
  }
});

test('places have length 1 and say what is alike; what fits no space has none', () => {
  const video = (x: number, y: number, sound?: number) => ({
    visualVector: packVector(Float32Array.of(x, y, 1)),
    soundVector: sound === undefined ? '' : packVector(Float32Array.of(sound, 1)),
  });
  const videos = [video(1, 0, 3), video(0.9, 0.1, 3.1), video(0, 1, -2), video(0.1, 1), video(-1, 0.2, 0)];
  const space = contentSpaceOf(videos);
  const places = videos.map((v) => placeIn(space, v) as Float32Array);
  for (const place of places) expect(dot(place, place)).toBeCloseTo(1, 4);
  const like = (a: number, b: number) => dot(places[a] as Float32Array, places[b] as Float32Array);
  expect(like(0, 1)).toBeGreaterThan(0.9);
  expect(like(0, 1)).toBeGreaterThan(like(0, 2));
  // Without a sound it is compared by its pictures.
  expect(like(3, 2)).toBeGreaterThan(like(3, 0));
  expect(placeIn(space, { visualVector: packVector(Float32Array.of(1, 2)), soundVector: '' })).toBeNull();
  expect(placeIn(space, { visualVector: '', soundVector: '' })).toBeNull();
});
