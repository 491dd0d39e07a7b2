import type { Frames } from '#infra/media/media.ts';

/**
 * What a video looks like in 120 numbers, without a learnt model, in four parts that each have a length of about 1:
 * - colour, 48: shares of 12 hues at 2 saturations and of 8 greys, and the mean colour of each quarter of the picture
 *   with the overall spread (compare the scalable colour and colour layout descriptors of MPEG-7, ISO/IEC 15938-3);
 * - texture, 40: gradients by 8 orientations over the whole and each quarter (histograms of oriented gradients:
 *   Dalal, Triggs, 2005);
 * - motion, 16: where the picture changes (3 x 3), how much, and how unevenly;
 * - rhythm, 16: how often it is cut, how long shots last, and how the change of pictures repeats itself after 1 to 10
 *   frames.
 * Shares are square roots, so that a product compares histograms as Bhattacharyya's coefficient does.
 */
export const visualModel = 'look-1';

const colourBins = 32;
const layout = 16;
const textureDims = 40;
const motionDims = 16;
const rhythmDims = 16;
export const visualDims = colourBins + layout + textureDims + motionDims + rhythmDims;
const orientations = 8;

export function visualDescriptor(frames: Frames, sceneStartsFrames: readonly number[]): Float32Array {
  const { width, height, count, pixels } = frames;
  const size = width * height * 3;
  const colour = new Float32Array(colourBins);
  const cells = new Float32Array(layout);
  const texture = new Float32Array(textureDims);
  const grid = new Float32Array(9);
  const change = new Float32Array(Math.max(0, count - 1));
  let [now, before] = [new Float32Array(width * height), new Float32Array(width * height)];
  for (let f = 0; f < count; f++) {
    const frame = pixels.subarray(f * size, (f + 1) * size);
    addColours(frame, width, height, colour, cells, now);
    addGradients(now, width, height, texture);
    if (f > 0) change[f - 1] = addChange(now, before, width, height, grid);
    [now, before] = [before, now];
  }
  const out = new Float32Array(visualDims);
  let at = 0;
  const put = (part: Float32Array) => {
    out.set(part, at);
    at += part.length;
  };
  put(rootShares(colour));
  put(cells.map((value) => value / count));
  put(rootShares(texture));
  put(motionOf(grid, change));
  put(rhythmOf(sceneStartsFrames, change, frames.framesPerSecond));
  return out;
}

const sum = (values: Float32Array): number => values.reduce((total, v) => total + v, 0);
function rootShares(counts: Float32Array): Float32Array {
  const total = sum(counts) || 1;
  return counts.map((c) => Math.sqrt(c / total));
}

/** Adds one frame's colours by box, and the mean colour of its quarters; fills in its luminance (Rec. 709). */
function addColours(frame: Uint8Array, width: number, height: number, boxes: Float32Array, cells: Float32Array, luma: Float32Array): void {
  const sums = new Float64Array(layout);
  const share = 1 / (width * height);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const [r, g, b] = [frame[3 * i] as number, frame[3 * i + 1] as number, frame[3 * i + 2] as number];
      const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      luma[i] = light;
      const [largest, least] = [Math.max(r, g, b), Math.min(r, g, b)];
      const box = boxOf(r, g, b, largest, least);
      boxes[box] = (boxes[box] as number) + share;
      const quarter = 3 * ((y * 2 >= height ? 2 : 0) + (x * 2 >= width ? 1 : 0));
      const [blue, red] = [(b - light) / 1.8556, (r - light) / 1.5748];
      for (const [c, value] of [light - 128, blue, red].entries()) {
        sums[quarter + c] = (sums[quarter + c] as number) + (value / 128) * share * 4;
        sums[12 + c] = (sums[12 + c] as number) + (value / 128) ** 2 * share;
      }
      sums[15] = (sums[15] as number) + ((largest - least) / 255) * share;
    }
  for (let c = 0; c < layout; c++) cells[c] = (cells[c] as number) + 0.5 * (c >= 12 && c < 15 ? Math.sqrt(sums[c] as number) : (sums[c] as number));
}

/** Grey when there is little colour in it, by lightness; otherwise by hue, in two saturations. */
function boxOf(r: number, g: number, b: number, largest: number, least: number): number {
  const range = largest - least;
  if (range < 0.12 * largest || largest < 32) return 24 + (largest >> 5);
  const sixth = largest === r ? (g - b) / range : largest === g ? 2 + (b - r) / range : 4 + (r - g) / range;
  const hue = Math.min(11, Math.floor(2 * ((sixth + 6) % 6)));
  return 2 * hue + (range > 0.5 * largest ? 1 : 0);
}

/** Adds the strength of each gradient to its orientation, for the whole picture and for its quarter. */
function addGradients(luma: Float32Array, width: number, height: number, into: Float32Array): void {
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const dx = (luma[i + 1] as number) - (luma[i - 1] as number);
      const dy = (luma[i + width] as number) - (luma[i - width] as number);
      const strength = Math.hypot(dx, dy);
      if (strength < 4) continue;
      const turn = (Math.atan2(dy, dx) / Math.PI + 1) % 1;
      const direction = Math.min(orientations - 1, Math.floor(turn * orientations));
      const quarter = orientations * (1 + (y * 2 >= height ? 2 : 0) + (x * 2 >= width ? 1 : 0));
      into[direction] = (into[direction] as number) + strength;
      into[quarter + direction] = (into[quarter + direction] as number) + strength;
    }
}

/** Mean change of luminance between two frames; adds where it happened. */
function addChange(now: Float32Array, before: Float32Array, width: number, height: number, grid: Float32Array): number {
  let total = 0;
  for (let y = 0, i = 0; y < height; y++) {
    const row = 3 * Math.floor((3 * y) / height);
    for (let x = 0; x < width; x++, i++) {
      const change = Math.abs((now[i] as number) - (before[i] as number));
      const cell = row + Math.floor((3 * x) / width);
      grid[cell] = (grid[cell] as number) + change;
      total += change;
    }
  }
  return total / now.length;
}

function motionOf(grid: Float32Array, change: Float32Array): Float32Array {
  const out = new Float32Array(motionDims);
  out.set(rootShares(grid), 0);
  const sorted = change.toSorted();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  // 255 is the most that a picture can change; logarithms, since most change little.
  for (const [i, value] of [at(0.1), at(0.25), at(0.5), at(0.75), at(0.9)].entries()) out[9 + i] = Math.log1p(value) / Math.log(256);
  out[14] = change.filter((c) => c < 0.5).length / Math.max(1, change.length);
  const mean = sum(change) / Math.max(1, change.length);
  out[15] = mean > 0 ? Math.min(1, Math.sqrt(change.reduce((s, c) => s + (c - mean) ** 2, 0) / change.length) / mean / 4) : 0;
  return out;
}

function rhythmOf(starts: readonly number[], change: Float32Array, framesPerSecond: number): Float32Array {
  const out = new Float32Array(rhythmDims);
  const frames = change.length + 1;
  const lengths = starts.map((start, i) => ((starts[i + 1] ?? frames) - start) / framesPerSecond);
  const mean = lengths.reduce((s, l) => s + l, 0) / lengths.length;
  const spread = Math.sqrt(lengths.reduce((s, l) => s + (l - mean) ** 2, 0) / lengths.length);
  out[0] = Math.min(1, (starts.length - 1) / Math.max(1, frames / framesPerSecond));
  out[1] = Math.min(1, Math.log1p(mean) / Math.log(61));
  out[2] = mean > 0 ? Math.min(1, spread / mean) : 0;
  out[3] = Math.min(1, Math.log1p(Math.min(...lengths)) / Math.log(61));
  out[4] = Math.min(1, Math.log1p(Math.max(...lengths)) / Math.log(61));
  out[5] = Math.min(1, lengths.length / 32);
  out.set(repetition(change, 10), 6);
  return out;
}

/** Autocorrelation at lags from 1 on; 0 where there is too little of it. */
export function repetition(values: Float32Array, lags: number): Float32Array {
  const mean = sum(values) / Math.max(1, values.length);
  const power = values.reduce((s, v) => s + (v - mean) ** 2, 0);
  return Float32Array.from({ length: lags }, (_, i) => {
    const lag = i + 1;
    if (values.length < 2 * lag || power === 0) return 0;
    let product = 0;
    for (let t = lag; t < values.length; t++) product += ((values[t] as number) - mean) * ((values[t - lag] as number) - mean);
    return product / power;
  });
}
