import { describe, expect, test } from 'vitest';
import { tensor } from './inference.ts';
import { type KerasModel, kerasToOnnx } from './keras-layers.ts';
import { encodeOnnx } from './onnx-model.ts';
import { OnnxRuntime } from './onnx-runtime.ts';

const layer = (name: string, class_name: string, from: readonly string[], config: object = {}) => ({
  name,
  class_name,
  config: { ...config },
  inbound_nodes: from.length > 0 ? [from.map((f) => [f] as [string])] : [],
});
const plain = { activation: 'linear', use_bias: false, padding: 'valid', strides: [1, 1] };
const byte = { min: -1, scale: 2 / 255, dtype: 'uint8' as const };

/** A picture of 4 x 4 x 2 through every kind of layer that is read. */
const model: KerasModel = {
  modelTopology: {
    model_config: {
      config: {
        layers: [
          layer('in', 'InputLayer', [], { batch_input_shape: [null, 4, 4, 2] }),
          layer('pad', 'ZeroPadding2D', ['in'], {
            padding: [
              [0, 1],
              [0, 1],
            ],
          }),
          layer('conv', 'Conv2D', ['pad'], { ...plain, strides: [2, 2] }),
          layer('bn', 'BatchNormalization', ['conv'], { epsilon: 0.001 }),
          layer('relu', 'ReLU', ['bn'], { max_value: 6 }),
          layer('deep', 'DepthwiseConv2D', ['relu'], { ...plain, padding: 'same' }),
          layer('sum', 'Add', ['relu', 'deep']),
          layer('pool', 'AveragePooling2D', ['sum'], { pool_size: [2, 2], strides: [2, 2] }),
          layer('flat', 'Flatten', ['pool']),
          layer('drop', 'Dropout', ['flat']),
          layer('out', 'Dense', ['drop'], { activation: 'softmax', use_bias: true }),
        ],
      },
    },
  },
  weightsManifest: [
    {
      weights: [
        { name: 'conv/kernel', shape: [3, 3, 2, 3], quantization: byte },
        ...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((part) => ({ name: `bn/${part}`, shape: [3], quantization: { ...byte, min: 0.5 } })),
        { name: 'deep/depthwise_kernel', shape: [3, 3, 3, 1], quantization: byte },
        { name: 'out/kernel', shape: [3, 2], quantization: byte },
        { name: 'out/bias', shape: [2] },
      ],
    },
  ],
};
const bytes = Buffer.alloc(54 + 12 + 27 + 6 + 8);
for (let i = 0; i < 99; i++) bytes[i] = (i * 37 + 11) % 256;
bytes.writeFloatLE(0.25, 99);
bytes.writeFloatLE(-0.5, 103);

/** The same by hand, in the order in which Keras keeps pictures. */
function byHand(picture: Float32Array): number[] {
  const w = (at: number, min = -1) => min + (2 / 255) * (bytes[at] as number);
  const pixel = (y: number, x: number, c: number) => (y < 4 && x < 4 ? (picture[(y * 4 + x) * 2 + c] as number) : 0);
  const relu: number[] = [];
  for (let y = 0; y < 2; y++)
    for (let x = 0; x < 2; x++)
      for (let o = 0; o < 3; o++) {
        let sum = 0;
        for (let dy = 0; dy < 3; dy++)
          for (let dx = 0; dx < 3; dx++) for (let c = 0; c < 2; c++) sum += pixel(2 * y + dy, 2 * x + dx, c) * w(((dy * 3 + dx) * 2 + c) * 3 + o);
        const [gamma, beta, mean, variance] = [0, 3, 6, 9].map((from) => w(54 + from + o, 0.5)) as [number, number, number, number];
        relu.push(Math.min(6, Math.max(0, (gamma * (sum - mean)) / Math.sqrt(variance + 0.001) + beta)));
      }
  const at = (y: number, x: number, c: number) => (y < 0 || x < 0 || y > 1 || x > 1 ? 0 : (relu[(y * 2 + x) * 3 + c] as number));
  const pooled = [0, 1, 2].map((c) => {
    let sum = 0;
    for (let y = 0; y < 2; y++)
      for (let x = 0; x < 2; x++) {
        sum += at(y, x, c);
        for (let dy = 0; dy < 3; dy++) for (let dx = 0; dx < 3; dx++) sum += at(y + dy - 1, x + dx - 1, c) * w(66 + (dy * 3 + dx) * 3 + c);
      }
    return sum / 4;
  });
  const logits = [0, 1].map((o) => pooled.reduce((sum, p, c) => sum + p * w(93 + c * 2 + o), o === 0 ? 0.25 : -0.5));
  const exps = logits.map((l) => Math.exp(l));
  return exps.map((e) => e / ((exps[0] as number) + (exps[1] as number)));
}

describe('a network of Keras layers as ONNX', () => {
  test('it says what the layers say, for several pictures at once', async () => {
    const loaded = await new OnnxRuntime().load(encodeOnnx(kerasToOnnx(model, bytes, {})));
    const pictures = Float32Array.from({ length: 64 }, (_, i) => ((i * 29) % 17) / 8 - 1);
    const { scores } = await loaded.run({ pictures: tensor(pictures.slice(), 2, 4, 4, 2) });
    const expected = [...byHand(pictures.slice(0, 32)), ...byHand(pictures.slice(32))];
    for (const [i, value] of expected.entries()) expect(scores?.data[i]).toBeCloseTo(value, 5);
    await loaded.release();
  });
  test('weights that end too early, and a layer that is not known, are refused', () => {
    expect(() => kerasToOnnx(model, bytes.subarray(0, 60), {})).toThrow(expect.objectContaining({ code: 'artifact-refused' }));
    const layers = [...model.modelTopology.model_config.config.layers, layer('x', 'LSTM', ['out'])];
    const other = { ...model, modelTopology: { model_config: { config: { layers } } } };
    expect(() => kerasToOnnx(other, bytes, {})).toThrow(expect.objectContaining({ message: expect.stringContaining('LSTM') }));
  });
});
