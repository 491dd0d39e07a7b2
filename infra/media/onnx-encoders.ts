import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ForyouError } from '../errors.ts';
import { type Inference, type Model, tensor } from '../inference/inference.ts';
import type { Frames } from './media.ts';

/** Rows that go through a model at once. */
const batch = 8;

async function loaded(path: string, setting: string, inference: Inference): Promise<{ model: Model; version: string }> {
  const bytes = await readFile(path).catch((cause) => {
    throw new ForyouError('config-invalid', `${setting} names "${path}", which cannot be read`, { fix: `set ${setting} to an ONNX file, or unset it`, cause });
  });
  return { model: await inference.load(bytes), version: `onnx-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}` };
}

function refuse(setting: string, model: Model, wanted: string): never {
  const has = model.inputs.map((i) => `${i.name} [${i.dims.join(', ')}]`).join(', ');
  throw new ForyouError('config-invalid', `${setting}: the model's inputs are ${has}`, { fix: `use a model with one input of float32 ${wanted}` });
}

/** Rows of the first output, added up and divided: one vector of what all rows have in common. */
class Mean {
  #sums = new Float64Array(0);
  #rows = 0;
  async add(model: Model, data: Float32Array, dims: readonly number[]): Promise<void> {
    const name = model.inputs[0]?.name as string;
    const answer = await model.run({ [name]: tensor(data, ...dims) });
    const output = answer[model.outputs[0]?.name as string]?.data as Float32Array;
    const rows = dims[0] as number;
    const width = output.length / rows;
    if (this.#sums.length === 0) this.#sums = new Float64Array(width);
    for (let i = 0; i < output.length; i++) this.#sums[i % width] = (this.#sums[i % width] as number) + (output[i] as number);
    this.#rows += rows;
  }
  get vector(): Float32Array {
    return Float32Array.from(this.#sums, (sum) => sum / this.#rows);
  }
}

/**
 * Any ONNX model of pictures: one input of n x height x width x 3 or n x 3 x height x width, RGB from 0 to 1, or as the
 * model's metadata `mean` and `std` say (three numbers each, with commas). Its first output is the vector of a frame;
 * a video's is their mean.
 */
export class OnnxVisualEncoder {
  readonly version: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly #model: Model;
  readonly #channelsFirst: boolean;
  readonly #mean: readonly number[];
  readonly #std: readonly number[];

  private constructor(model: Model, version: string, size: { width: number; height: number }, channelsFirst: boolean) {
    this.#model = model;
    this.version = version;
    this.size = size;
    this.#channelsFirst = channelsFirst;
    const three = (name: string, otherwise: number) => {
      const values = (model.metadata[name] ?? '').split(',').map(Number);
      return values.length === 3 && values.every(Number.isFinite) ? values : [otherwise, otherwise, otherwise];
    };
    this.#mean = three('mean', 0);
    this.#std = three('std', 1);
  }

  static async load(path: string, inference: Inference): Promise<OnnxVisualEncoder> {
    const setting = 'FORYOU_VISUAL_MODEL';
    const { model, version } = await loaded(path, setting, inference);
    const dims = model.inputs.length === 1 ? (model.inputs[0]?.dims ?? []) : [];
    const channelsFirst = dims[1] === 3;
    const [height, width] = (channelsFirst ? dims.slice(2) : dims.slice(1, 3)) as number[];
    if (dims.length !== 4 || (!channelsFirst && dims[3] !== 3) || typeof height !== 'number' || typeof width !== 'number')
      refuse(setting, model, 'n x height x width x 3, or n x 3 x height x width, with a fixed size');
    return new OnnxVisualEncoder(model, version, { width, height }, channelsFirst);
  }

  async encode(frames: Frames): Promise<Float32Array> {
    const { width, height } = this.size;
    const [area, size] = [width * height, width * height * 3];
    const mean = new Mean();
    for (let from = 0; from < frames.count; from += batch) {
      const count = Math.min(batch, frames.count - from);
      const data = new Float32Array(count * size);
      for (let f = 0; f < count; f++)
        for (let p = 0; p < area; p++)
          for (let c = 0; c < 3; c++) {
            const value = ((frames.pixels[(from + f) * size + 3 * p + c] as number) / 255 - (this.#mean[c] as number)) / (this.#std[c] as number);
            data[f * size + (this.#channelsFirst ? c * area + p : 3 * p + c)] = value;
          }
      await mean.add(this.#model, data, this.#channelsFirst ? [count, 3, height, width] : [count, height, width, 3]);
    }
    return mean.vector;
  }
}

/**
 * Any ONNX model of sound: one input of n x frames x bands or n x 1 x frames x bands, of logarithmic mel spectra as
 * `logMel` gives them (64 bands; VGGish and YAMNet read patches of 96 frames). Its first output is the vector of a
 * patch; a video's is their mean.
 */
export class OnnxSoundEncoder {
  readonly version: string;
  readonly #model: Model;
  readonly #patch: number;
  readonly #bands: number;

  private constructor(model: Model, version: string, patch: number, bands: number) {
    this.#model = model;
    this.version = version;
    this.#patch = patch;
    this.#bands = bands;
  }

  static async load(path: string, inference: Inference): Promise<OnnxSoundEncoder> {
    const setting = 'FORYOU_SOUND_MODEL';
    const { model, version } = await loaded(path, setting, inference);
    const dims = model.inputs.length === 1 ? (model.inputs[0]?.dims ?? []) : [];
    const [patch, bands] = dims.slice(-2);
    const fits = dims.length === 3 || (dims.length === 4 && dims[1] === 1);
    if (!fits || typeof patch !== 'number' || bands !== 64) refuse(setting, model, 'n x frames x 64, or n x 1 x frames x 64, with a fixed number of frames');
    return new OnnxSoundEncoder(model, version, patch, bands);
  }

  /** A sound shorter than one patch is filled up with what is least in it. */
  async encode(mels: Float32Array): Promise<Float32Array> {
    const size = this.#patch * this.#bands;
    const whole = Math.max(1, Math.floor(mels.length / size));
    const four = this.#model.inputs[0]?.dims.length === 4;
    const mean = new Mean();
    const least = mels.reduce((a, b) => Math.min(a, b), 0);
    for (let from = 0; from < whole; from += batch) {
      const count = Math.min(batch, whole - from);
      const data = new Float32Array(count * size).fill(least);
      data.set(mels.subarray(from * size, (from + count) * size));
      await mean.add(this.#model, data, four ? [count, 1, this.#patch, this.#bands] : [count, this.#patch, this.#bands]);
    }
    return mean.vector;
  }
}
