import { ForyouError } from '../errors.ts';
import type { OnnxConstant, OnnxGraph, OnnxNode } from './onnx-model.ts';

/** What this reads of a Keras model as TensorFlow.js stores it (`model.json` of the layers format): a chain with joins. */
export interface KerasModel {
  readonly modelTopology: { readonly model_config: { readonly config: { readonly layers: readonly KerasLayer[] } } };
  readonly weightsManifest: readonly { readonly weights: readonly KerasWeight[] }[];
}
interface KerasLayer {
  readonly name: string;
  readonly class_name: string;
  // biome-ignore lint/suspicious/noExplicitAny: settings differ by layer; each is checked where it is read
  readonly config: Readonly<Record<string, any>>;
  readonly inbound_nodes: readonly (readonly (readonly [string, ...unknown[]])[])[];
}
interface KerasWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** Linear quantisation to one byte: `value = min + scale * byte`. */
  readonly quantization?: { readonly min: number; readonly scale: number; readonly dtype: 'uint8' };
}

const refuse = (what: string): never => {
  throw new ForyouError('artifact-refused', `a model of layers that cannot be read: ${what}`);
};

/** Weights by name, unpacked to floats. Bytes follow each other in the manifest's order. */
function unpack(model: KerasModel, bytes: Buffer): Map<string, { data: Float32Array; shape: readonly number[] }> {
  const found = new Map<string, { data: Float32Array; shape: readonly number[] }>();
  let at = 0;
  for (const { name, shape, quantization } of model.weightsManifest.flatMap((m) => m.weights)) {
    const count = shape.reduce((product, n) => product * n, 1);
    const data = new Float32Array(count);
    if (at + count * (quantization ? 1 : 4) > bytes.length) refuse(`its weights end within ${name}`);
    for (let i = 0; i < count; i++) data[i] = quantization ? quantization.min + quantization.scale * (bytes[at + i] as number) : bytes.readFloatLE(at + 4 * i);
    at += count * (quantization ? 1 : 4);
    found.set(name, { data, shape });
  }
  return found;
}

/** Height, width, in, out becomes out, in, height, width; a depthwise kernel becomes in, 1, height, width. */
function kernel(data: Float32Array, [h, w, from, to]: readonly number[], depthwise: boolean): { data: Float32Array; dims: number[] } {
  const [height, width, inputs, outputs] = [h as number, w as number, from as number, to as number];
  const turned = new Float32Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let i = 0; i < inputs; i++)
        for (let o = 0; o < outputs; o++) {
          const to = depthwise ? ((i * outputs + o) * height + y) * width + x : ((o * inputs + i) * height + y) * width + x;
          turned[to] = data[((y * width + x) * inputs + i) * outputs + o] as number;
        }
  return { data: turned, dims: depthwise ? [inputs * outputs, 1, height, width] : [outputs, inputs, height, width] };
}

/** Gathers nodes and constants of a graph; what a layer gives is the name of its value. */
class Writer {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];
  readonly #weights: ReturnType<typeof unpack>;
  /** Size of what the last dense layer gives. */
  size = 0;

  constructor(weights: ReturnType<typeof unpack>) {
    this.#weights = weights;
  }
  constant(name: string, data: Float32Array | BigInt64Array, ...dims: number[]): string {
    this.constants.push({ name, dims, data });
    return name;
  }
  weight(layer: string, part: string): { data: Float32Array; shape: readonly number[] } {
    return this.#weights.get(`${layer}/${part}`) ?? refuse(`there is no ${layer}/${part}`);
  }
  add(op: string, inputs: readonly string[], output: string, attributes: OnnxNode['attributes'] = {}): string {
    this.nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }
  activated(value: string, name: string, activation: string): string {
    if (activation === 'linear') return value;
    if (activation === 'relu') return this.add('Relu', [value], `${name}:relu`);
    if (activation === 'softmax') return this.add('Softmax', [value], `${name}:softmax`, { axis: -1 });
    return refuse(`activation ${activation}`);
  }
}

type Write = (writer: Writer, layer: KerasLayer, from: readonly string[]) => string;

const convolution =
  (depthwise: boolean): Write =>
  (writer, { name, config }, [input]) => {
    const { data, shape } = writer.weight(name, depthwise ? 'depthwise_kernel' : 'kernel');
    const turned = kernel(data, shape, depthwise);
    const inputs = [input as string, writer.constant(`${name}:kernel`, turned.data, ...turned.dims)];
    if (config['use_bias']) inputs.push(writer.constant(`${name}:bias`, writer.weight(name, 'bias').data, turned.dims[0] as number));
    const padding = config['padding'] === 'same' ? 'SAME_UPPER' : 'VALID';
    const made = writer.add('Conv', inputs, name, { strides: config['strides'], auto_pad: padding, group: depthwise ? (shape[2] as number) : 1 });
    return writer.activated(made, name, config['activation']);
  };

/** Each kind of layer that is read. Pictures lie as batch, channels, height, width between the first and the last. */
const kinds: Readonly<Record<string, Write>> = {
  InputLayer: (writer, { name }) => writer.add('Transpose', ['pictures'], name, { perm: [0, 3, 1, 2] }),
  ZeroPadding2D(writer, { name, config }, [input]) {
    const [[top, bottom], [left, right]] = config['padding'] as [[number, number], [number, number]];
    const pads = BigInt64Array.from([0, 0, top, left, 0, 0, bottom, right].map(BigInt));
    return writer.add('Pad', [input as string, writer.constant(`${name}:pads`, pads, 8)], name);
  },
  Conv2D: convolution(false),
  DepthwiseConv2D: convolution(true),
  BatchNormalization(writer, { name, config }, [input]) {
    const parts = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((part) => {
      const { data } = writer.weight(name, part);
      return writer.constant(`${name}:${part}`, data, data.length);
    });
    return writer.add('BatchNormalization', [input as string, ...parts], name, { epsilon: config['epsilon'] });
  },
  ReLU(writer, { name, config }, [input]) {
    const bounds = [0, config['max_value'] ?? Number.MAX_VALUE].map((bound, i) => writer.constant(`${name}:${i}`, Float32Array.of(bound)));
    return writer.add('Clip', [input as string, ...bounds], name);
  },
  Add: (writer, { name }, [first, ...rest]) => rest.reduce((sum, next, i) => writer.add('Add', [sum, next], `${name}:${i}`), first as string),
  AveragePooling2D: (writer, { name, config }, [input]) =>
    writer.add('AveragePool', [input as string], name, { kernel_shape: config['pool_size'], strides: config['strides'] }),
  // One number a channel is left by then: the order of the others does not matter.
  Flatten: (writer, { name }, [input]) => writer.add('Flatten', [input as string], name, { axis: 1 }),
  Dense(writer, { name, config }, [input]) {
    const { data, shape } = writer.weight(name, 'kernel');
    writer.size = shape[1] as number;
    const product = writer.add('MatMul', [input as string, writer.constant(`${name}:kernel`, data, ...shape)], `${name}:product`);
    const bias = config['use_bias'] ? writer.constant(`${name}:bias`, writer.weight(name, 'bias').data, writer.size) : null;
    return writer.activated(bias ? writer.add('Add', [product, bias], `${name}:biased`) : product, name, config['activation']);
  },
  // It only does something while a network learns.
  Dropout: (_writer, _layer, [input]) => input as string,
};

/**
 * The same network as an ONNX graph: pictures go in as they lie in memory (batch, height, width, channels), what the
 * last layer says comes out as `scores`, or what the layer named `until` says.
 */
export function kerasToOnnx(model: KerasModel, bytes: Buffer, metadata: Readonly<Record<string, string>>, until?: string): OnnxGraph {
  const all = model.modelTopology.model_config.config.layers;
  const end = until === undefined ? all.length : all.findIndex((layer) => layer.name === until) + 1;
  if (end === 0) refuse(`there is no layer ${until}`);
  const layers = all.slice(0, end);
  const writer = new Writer(unpack(model, bytes));
  const outputOf = new Map<string, string>();
  for (const layer of layers) {
    const from = (layer.inbound_nodes[0] ?? []).map(([name]) => outputOf.get(name) ?? refuse(`${layer.name} needs ${name}, which comes later`));
    const write = kinds[layer.class_name] ?? refuse(`a layer of kind ${layer.class_name}`);
    outputOf.set(layer.name, write(writer, layer, from));
  }
  writer.add('Identity', [outputOf.get(layers.at(-1)?.name ?? '') ?? refuse('it has no layers')], 'scores');
  const dims = ((layers[0]?.config['batch_input_shape'] ?? []) as number[]).slice(1);
  return {
    name: 'layers',
    inputs: [{ name: 'pictures', dims: ['n', ...dims] }],
    outputs: [{ name: 'scores', dims: ['n', writer.size] }],
    nodes: writer.nodes,
    constants: writer.constants,
    metadata,
  };
}
