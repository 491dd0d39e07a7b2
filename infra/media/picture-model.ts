import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Inference, type Model, tensor } from '../inference/inference.ts';
import { type KerasModel, kerasToOnnx } from '../inference/keras-layers.ts';
import { encodeOnnx } from '../inference/onnx-model.ts';
import { toolPath, tools } from '../stack/tools.ts';
import { versions } from '../stack/versions.ts';
import type { Frames } from './media.ts';

/** Frames that go through the model at once. */
const batch = 8;
const side = 224;

function read(cacheDir: string): { readonly keras: KerasModel; readonly weights: Buffer } | null {
  const folder = toolPath(cacheDir, tools.pictureModel);
  if (!existsSync(folder)) return null;
  // The package keeps both as scripts that return what they hold.
  const require = createRequire(import.meta.url);
  return {
    keras: require(join(folder, 'model.min.js')) as KerasModel,
    weights: Buffer.from(require(join(folder, 'group1-shard1of1.min.js')) as string, 'base64'),
  };
}

/** What the same network knows of a picture before it judges it, as an ONNX file for `OnnxVisualEncoder`; null where it is not installed. */
export function pictureFeatures(cacheDir: string): Buffer | null {
  const stored = read(cacheDir);
  return stored && encodeOnnx(kerasToOnnx(stored.keras, stored.weights, {}, 'flatten_1'));
}

/**
 * MobileNetV2 of the nsfwjs package (MIT; trained by the NSFW JS project on pictures of five kinds), as an ONNX graph
 * on the platform's own runtime. Pictures are 224 x 224 RGB, 0 to 1.
 */
export class PictureModel {
  readonly labels = ['Drawing', 'Hentai', 'Neutral', 'Porn', 'Sexy'] as const;
  readonly size = { width: side, height: side } as const;
  readonly version = `nsfwjs-${versions.pictureModel}/mobilenet_v2`;
  readonly #model: Model;

  private constructor(model: Model) {
    this.#model = model;
  }

  /** Null where it is not installed. */
  static async load(cacheDir: string, inference: Inference): Promise<PictureModel | null> {
    const stored = read(cacheDir);
    return stored && new PictureModel(await inference.load(encodeOnnx(kerasToOnnx(stored.keras, stored.weights, {}))));
  }

  async classify(frames: Frames): Promise<readonly Float32Array[]> {
    const pixels = side * side * 3;
    const rows: Float32Array[] = [];
    for (let from = 0; from < frames.count; from += batch) {
      const count = Math.min(batch, frames.count - from);
      const data = new Float32Array(count * pixels);
      for (let i = 0; i < data.length; i++) data[i] = (frames.pixels[from * pixels + i] as number) / 255;
      const { scores } = await this.#model.run({ pictures: tensor(data, count, side, side, 3) });
      const found = scores?.data as Float32Array;
      for (let i = 0; i < count; i++) rows.push(found.slice(i * this.labels.length, (i + 1) * this.labels.length));
    }
    return rows;
  }
}
