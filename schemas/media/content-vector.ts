/**
 * What a video looks and sounds like, as numbers: two videos that are alike lie close together. Vectors travel inside
 * `video-published`; only those of one model can be compared.
 */

/** Numbers of a vector; longer ones are projected. */
export const vectorDimsMax = 128;

/** No descriptor has larger numbers: what says so is no vector. */
const stepMax = 1e6;
/** Smaller ones are nothing: a step of them would be no float any more. */
const stepMin = 1e-30;

/** One byte a number, behind the float that a byte counts (little end first), as base64; empty for nothing. */
export function packVector(values: Float32Array): string {
  const most = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  if (!Number.isFinite(most)) throw new RangeError('a vector holds numbers alone');
  if (most < stepMin) return '';
  const bytes = Buffer.alloc(4 + values.length);
  bytes.writeFloatLE(most / 127, 0);
  values.forEach((value, i) => {
    bytes.writeInt8(Math.round((127 * value) / most), 4 + i);
  });
  return bytes.toString('base64');
}

/** Null for the empty text, and for what is no vector of at most `vectorDimsMax` numbers. */
export function unpackVector(text: string): Float32Array | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length <= 4 || bytes.length > 4 + vectorDimsMax) return null;
  const step = bytes.readFloatLE(0);
  if (!(step > 0 && step < stepMax)) return null;
  return Float32Array.from({ length: bytes.length - 4 }, (_, i) => step * bytes.readInt8(4 + i));
}

/**
 * A vector of at most `vectorDimsMax` numbers whose angles to others stay nearly the same: sums under random signs
 * (Achlioptas, "Database-friendly random projections", 2003), the same ones every time.
 */
export function projected(values: Float32Array): Float32Array {
  if (values.length <= vectorDimsMax) return values;
  const sums = new Float32Array(vectorDimsMax);
  let state = 0x9e3779b9;
  for (const value of values)
    for (let d = 0; d < vectorDimsMax; d++) {
      // xorshift32 (Marsaglia, 2003)
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      sums[d] = (sums[d] as number) + (state & 1 ? value : -value);
    }
  return sums.map((sum) => sum / Math.sqrt(vectorDimsMax));
}

/** What a video brings; texts as `packVector` writes them. */
export interface ContentVectors {
  readonly visualVector: string;
  readonly soundVector: string;
}

/** Where vectors of one model lie: what all have in common is taken away, and what varies little counts as much as what varies much. */
export interface ContentSpace {
  readonly visual: Axis;
  readonly sound: Axis;
}
interface Axis {
  readonly mean: Float32Array;
  readonly spread: Float32Array;
}

/** How much sound says beside pictures. */
const soundShare = 0.35;

export const spaceDims = (space: ContentSpace): number => space.visual.mean.length + space.sound.mean.length;

function axisOf(vectors: readonly (Float32Array | null)[]): Axis {
  const known = vectors.filter((v) => v !== null);
  const dims = known[0]?.length ?? 0;
  const mean = new Float32Array(dims);
  const spread = new Float32Array(dims);
  for (const v of known) for (let d = 0; d < dims; d++) mean[d] = (mean[d] as number) + (v[d] as number) / known.length;
  for (const v of known) for (let d = 0; d < dims; d++) spread[d] = (spread[d] as number) + ((v[d] as number) - (mean[d] as number)) ** 2 / known.length;
  const usual = Math.sqrt(spread.reduce((sum, s) => sum + s, 0) / Math.max(1, dims)) || 1;
  // What hardly varies is noise: it is not blown up to the size of the others.
  return { mean, spread: spread.map((s) => Math.sqrt(s) + usual) };
}

export const contentSpaceOf = (videos: readonly ContentVectors[]): ContentSpace => ({
  visual: axisOf(videos.map((v) => unpackVector(v.visualVector))),
  sound: axisOf(videos.map((v) => unpackVector(v.soundVector))),
});

/** The video's place: a vector of length 1, so that a product of two is a cosine. Null when it says nothing that fits the space. */
export function placeIn({ visual, sound }: ContentSpace, video: ContentVectors): Float32Array | null {
  const place = new Float32Array(visual.mean.length + sound.mean.length);
  const seen = put(visual, unpackVector(video.visualVector), 1 - soundShare, place, 0);
  const heard = put(sound, unpackVector(video.soundVector), soundShare, place, visual.mean.length);
  if (seen + heard === 0) return null;
  const length = Math.sqrt(seen + heard);
  return place.map((value) => value / length);
}

/** Writes one part, so that its square is `share`; returns that, or 0 where there is none. */
function put({ mean, spread }: Axis, vector: Float32Array | null, share: number, into: Float32Array, at: number): number {
  if (!vector || vector.length !== mean.length) return 0;
  let squares = 0;
  for (let d = 0; d < mean.length; d++) squares += (into[at + d] = ((vector[d] as number) - (mean[d] as number)) / (spread[d] as number)) ** 2;
  if (squares === 0) return 0;
  const scale = Math.sqrt(share / squares);
  for (let d = at; d < at + mean.length; d++) into[d] = (into[d] as number) * scale;
  return share;
}
