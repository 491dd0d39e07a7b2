import FFT from 'fft.js';
import { repetition } from './visual.ts';

/**
 * What a video sounds like in 56 numbers, without a learnt model: mean, spread and change of 13 mel-frequency cepstral
 * coefficients (Davis, Mermelstein, 1980), how loud it is and how that varies, and its beat as the autocorrelation of
 * onsets (spectral flux) from a quarter of a second to a second and a half.
 */
export const soundModel = 'hear-1';
export const sampleRate = 16_000;

/** Frames of 25 ms, 10 ms apart, in 64 bands from 125 to 7,500 Hz: what models of sound are trained on (VGGish, YAMNet). */
export const spectrum = { window: 400, hop: 160, bands: 64, lowHz: 125, highHz: 7_500 } as const;
const fftSize = 512;
const offset = 0.01;

const coefficients = 13;
const beats = 12;
export const soundDims = 3 * coefficients + 5 + beats;

const mel = (hz: number): number => 1_127 * Math.log1p(hz / 700);

/** Triangles over the bins of the transform, evenly apart in mel. Bands x bins. */
const filters: Float32Array = (() => {
  const bins = fftSize / 2 + 1;
  const [low, high] = [mel(spectrum.lowHz), mel(spectrum.highHz)];
  const edge = (band: number) => low + ((high - low) * band) / (spectrum.bands + 1);
  const rows = new Float32Array(spectrum.bands * bins);
  for (let band = 0; band < spectrum.bands; band++)
    for (let bin = 1; bin < bins; bin++) {
      const at = mel((bin * sampleRate) / fftSize);
      const rising = (at - edge(band)) / (edge(band + 1) - edge(band));
      const falling = (edge(band + 2) - at) / (edge(band + 2) - edge(band + 1));
      rows[band * bins + bin] = Math.max(0, Math.min(rising, falling));
    }
  return rows;
})();
const hann = Float32Array.from({ length: spectrum.window }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / spectrum.window));
/** Rows of the discrete cosine transform, coefficients x bands. */
const cosines = Float32Array.from({ length: coefficients * spectrum.bands }, (_, i) => {
  const [k, band] = [Math.floor(i / spectrum.bands), i % spectrum.bands];
  return Math.cos((Math.PI * k * (band + 0.5)) / spectrum.bands) * Math.sqrt(2 / spectrum.bands);
});

/** Logarithms of the strength in each band: frames x bands. Of samples at `sampleRate`, -1 to 1. */
export function logMel(samples: Float32Array): Float32Array {
  const frames = Math.max(0, 1 + Math.floor((samples.length - spectrum.window) / spectrum.hop));
  const out = new Float32Array(frames * spectrum.bands);
  const fft = new FFT(fftSize);
  const bins = fftSize / 2 + 1;
  const windowed: number[] = new Array(fftSize).fill(0);
  const transformed = fft.createComplexArray() as number[];
  const strength = new Float32Array(bins);
  for (let f = 0; f < frames; f++) {
    for (let i = 0; i < spectrum.window; i++) windowed[i] = (samples[f * spectrum.hop + i] as number) * (hann[i] as number);
    fft.realTransform(transformed, windowed);
    for (let b = 0; b < bins; b++) strength[b] = Math.hypot(transformed[2 * b] as number, transformed[2 * b + 1] as number);
    for (let band = 0; band < spectrum.bands; band++) {
      let energy = 0;
      for (let b = 1; b < bins; b++) energy += (filters[band * bins + b] as number) * (strength[b] as number);
      out[f * spectrum.bands + band] = Math.log(energy + offset);
    }
  }
  return out;
}

/** Null where there is nothing to hear. */
export function soundDescriptor(mels: Float32Array): Float32Array | null {
  const frames = mels.length / spectrum.bands;
  const loud = new Float32Array(frames);
  const flux = new Float32Array(Math.max(0, frames - 1));
  const cepstra = new Float32Array(frames * coefficients);
  for (let f = 0; f < frames; f++) {
    const row = mels.subarray(f * spectrum.bands, (f + 1) * spectrum.bands);
    loud[f] = row.reduce((s, v) => s + v, 0) / spectrum.bands;
    if (f > 0)
      for (let b = 0; b < spectrum.bands; b++)
        flux[f - 1] = (flux[f - 1] as number) + Math.max(0, (row[b] as number) - (mels[(f - 1) * spectrum.bands + b] as number));
    for (let k = 0; k < coefficients; k++) {
      let value = 0;
      for (let b = 0; b < spectrum.bands; b++) value += (cosines[k * spectrum.bands + b] as number) * (row[b] as number);
      cepstra[f * coefficients + k] = value;
    }
  }
  const floor = Math.log(offset);
  if (frames === 0 || loud.every((l) => l < floor + 0.05)) return null;
  const out = new Float32Array(soundDims);
  for (let k = 0; k < coefficients; k++) out.set(course(cepstra, frames, k), 3 * k);
  const sorted = loud.toSorted();
  const at = (share: number) => (sorted[Math.min(frames - 1, Math.floor(share * frames))] as number) - floor;
  out.set(
    [at(0.1) / 4, at(0.5) / 4, at(0.9) / 4, loud.filter((l) => l < floor + 0.3).length / frames, Math.log1p(course(flux, flux.length, 0, 1)[0] as number) / 4],
    3 * coefficients,
  );
  // Onsets by eighths of a second: a beat shows as a lag at which they come again.
  const step = 12;
  const onsets = Float32Array.from({ length: Math.floor(flux.length / step) }, (_, i) => flux.subarray(i * step, (i + 1) * step).reduce((s, v) => s + v, 0));
  out.set(repetition(onsets, beats), 3 * coefficients + 5);
  return out;
}

/** Mean, spread and mean change from frame to frame of one column, each brought to about 1. */
function course(rows: Float32Array, frames: number, column: number, width: number = coefficients): [number, number, number] {
  let [total, squares, moved] = [0, 0, 0];
  for (let f = 0; f < frames; f++) {
    const value = rows[f * width + column] as number;
    total += value;
    squares += value * value;
    if (f > 0) moved += Math.abs(value - (rows[(f - 1) * width + column] as number));
  }
  const mean = total / Math.max(1, frames);
  return [mean / 8, Math.sqrt(Math.max(0, squares / Math.max(1, frames) - mean * mean)) / 8, moved / Math.max(1, frames - 1) / 8];
}
