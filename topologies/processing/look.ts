import type { Frames } from '#infra/media/media.ts';
import { copyRules } from '#schemas/config/media.ts';

/** What one frame is like; all measures of its luminance are 0 to 255. */
export interface FrameStats {
  readonly mean: Float32Array;
  /** Standard deviation: 0 for one flat colour. */
  readonly contrast: Float32Array;
  /** Variance of the Laplacian: low where nothing is in focus (Pech-Pacheco et al., 2000). */
  readonly sharpness: Float32Array;
  /** Mean absolute difference to the frame before; 0 for the first. */
  readonly motion: Float32Array;
  /** Half the L1 distance of colour histograms to the frame before: 0 same, 1 nothing in common. */
  readonly change: Float32Array;
  /** 64 bits of left-to-right gradients (difference hash) of each frame and of its middle, as 16 hex digits each. */
  readonly hashes: readonly (readonly string[])[];
}

const bins = 4;

/** Rec. 709 luminance of one frame. */
function luminance(pixels: Uint8Array, into: Float32Array): void {
  for (let i = 0, p = 0; i < into.length; i++, p += 3)
    into[i] = 0.2126 * (pixels[p] as number) + 0.7152 * (pixels[p + 1] as number) + 0.0722 * (pixels[p + 2] as number);
}

/** Colours of one frame in 4 x 4 x 4 boxes of RGB, in shares. */
export function histogram(pixels: Uint8Array): Float32Array {
  const counts = new Float32Array(bins ** 3);
  const weight = 3 / pixels.length;
  for (let p = 0; p < pixels.length; p += 3) {
    const box = ((pixels[p] as number) >> 6) * 16 + ((pixels[p + 1] as number) >> 6) * 4 + ((pixels[p + 2] as number) >> 6);
    counts[box] = (counts[box] as number) + weight;
  }
  return counts;
}

function meanAndContrast(luma: Float32Array): [number, number] {
  let sum = 0;
  let squares = 0;
  for (const value of luma) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / luma.length;
  return [mean, Math.sqrt(Math.max(0, squares / luma.length - mean * mean))];
}

function laplacianVariance(luma: Float32Array, width: number, height: number): number {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const edge = 4 * (luma[i] as number) - (luma[i - 1] as number) - (luma[i + 1] as number) - (luma[i - width] as number) - (luma[i + width] as number);
      sum += edge;
      squares += edge * edge;
      count++;
    }
  const mean = sum / Math.max(1, count);
  return squares / Math.max(1, count) - mean * mean;
}

function cropped(luma: Float32Array, width: number, left: number, top: number, w: number, h: number): Float32Array {
  const middle = new Float32Array(w * h);
  for (let y = 0; y < h; y++) middle.set(luma.subarray((top + y) * width + left, (top + y) * width + left + w), y * w);
  return middle;
}

/** Average of a grid of `columns` x `rows` cells. */
export function shrink(luma: Float32Array, width: number, height: number, columns: number, rows: number): Float32Array {
  const sums = new Float32Array(columns * rows);
  const counts = new Float32Array(columns * rows);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * columns;
    for (let x = 0; x < width; x++) {
      const cell = row + Math.floor((x * columns) / width);
      sums[cell] = (sums[cell] as number) + (luma[y * width + x] as number);
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  return sums.map((sum, i) => sum / Math.max(1, counts[i] as number));
}

/** Of the middle that is `cut` of each side. */
function differenceHash(luma: Float32Array, width: number, height: number, cut: number): string {
  const [w, h] = [Math.round(width * cut), Math.round(height * cut)];
  const middle = cut === 1 ? luma : cropped(luma, width, (width - w) >> 1, (height - h) >> 1, w, h);
  const cells = shrink(middle, w, h, 9, 8);
  let hex = '';
  for (let row = 0; row < 8; row++) {
    let bits = 0;
    for (let x = 0; x < 8; x++) bits = (bits << 1) | ((cells[row * 9 + x] as number) < (cells[row * 9 + x + 1] as number) ? 1 : 0);
    hex += bits.toString(16).padStart(2, '0');
  }
  return hex;
}

const looked = new WeakMap<Frames, FrameStats>();
/** Looks at every frame once, whoever asks. */
export function frameStats(frames: Frames): FrameStats {
  const known = looked.get(frames) ?? statsOf(frames);
  looked.set(frames, known);
  return known;
}

function statsOf(frames: Frames): FrameStats {
  const { width, height, count, pixels } = frames;
  const size = width * height * 3;
  const stats = { mean: new Float32Array(count), contrast: new Float32Array(count), sharpness: new Float32Array(count) };
  const between = { motion: new Float32Array(count), change: new Float32Array(count) };
  const hashes: string[][] = [];
  let [now, before] = [new Float32Array(width * height), new Float32Array(width * height)];
  let colours: Float32Array | null = null;
  for (let f = 0; f < count; f++) {
    const frame = pixels.subarray(f * size, (f + 1) * size);
    luminance(frame, now);
    [stats.mean[f], stats.contrast[f]] = meanAndContrast(now);
    stats.sharpness[f] = laplacianVariance(now, width, height);
    hashes.push(copyRules.cuts.map((cut) => differenceHash(now, width, height, cut)));
    const seen = histogram(frame);
    if (colours) {
      let distance = 0;
      for (let i = 0; i < seen.length; i++) distance += Math.abs((seen[i] as number) - (colours[i] as number));
      between.change[f] = distance / 2;
      let moved = 0;
      for (let i = 0; i < now.length; i++) moved += Math.abs((now[i] as number) - (before[i] as number));
      between.motion[f] = moved / now.length;
    }
    colours = seen;
    [now, before] = [before, now];
  }
  return { ...stats, ...between, hashes };
}

/** A cut: colours change more than they did for a while, and by enough to be seen. */
const cutChange = 0.3;
const cutRatio = 3;
const window = 8;

/** First frame of each scene; the first scene begins with frame 0. */
export function sceneStarts(stats: FrameStats): number[] {
  const starts = [0];
  const { change, motion } = stats;
  for (let f = 1; f < change.length; f++) {
    const lately = change.subarray(Math.max(1, f - window), f);
    const usual = lately.reduce((sum, c) => sum + c, 0) / Math.max(1, lately.length);
    const jump = (change[f] as number) > cutChange && (change[f] as number) > cutRatio * usual;
    const flash = (motion[f] as number) > 40 && (change[f] as number) > cutChange / 2 && (change[f] as number) > cutRatio * usual;
    if ((jump || flash) && f - (starts.at(-1) as number) > 1) starts.push(f);
  }
  return starts;
}

const darkest = 24;
const brightest = 232;
const flattest = 8;

/**
 * The `wanted` best frames for a poster: sharp, neither dark nor blown out nor flat, and apart from each other.
 * When no frame is good the least bad ones are taken.
 */
export function bestFrames(stats: FrameStats, wanted: number): number[] {
  const quality = (f: number): number => {
    const mean = stats.mean[f] as number;
    const contrast = stats.contrast[f] as number;
    const usable = mean > darkest && mean < brightest && contrast > flattest ? 1 : 0;
    const steadiness = 1 / (1 + (stats.motion[f] as number) / 20);
    return usable * 1_000 + Math.log1p(stats.sharpness[f] as number) * 10 * steadiness + Math.min(contrast, 64) / 4 - Math.abs(mean - 120) / 10;
  };
  const all = Array.from(stats.mean, (_mean, f) => f);
  const ordered = all.toSorted((a, b) => quality(b) - quality(a));
  const apart = Math.floor(all.length / (wanted * 2));
  const chosen: number[] = [];
  for (const gap of [apart, 0]) for (const f of ordered) if (chosen.length < wanted && chosen.every((c) => Math.abs(c - f) > gap)) chosen.push(f);
  return chosen;
}
