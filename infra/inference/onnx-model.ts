import protobuf from 'protobufjs';
import { ForyouError } from '../errors.ts';

/** What this project writes and reads of ONNX (onnx/onnx.proto3 of the ONNX specification, IR version 8): field numbers are the standard's. */
const proto = `syntax = "proto3";
message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; Tensor t = 5; repeated float floats = 7; repeated int64 ints = 8; int32 type = 20; }
message ValueInfo { string name = 1; Type type = 2; }
message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5; string domain = 7; }
message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message Shape { repeated Dimension dim = 1; }
message TensorType { int32 elem_type = 1; Shape shape = 2; }
message Type { TensorType tensor_type = 1; }
message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
message OperatorSet { string domain = 1; int64 version = 2; }
message Property { string key = 1; string value = 2; }
message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated OperatorSet opset_import = 8; repeated Property metadata_props = 14; }`;
const root = protobuf.parse(proto, { keepCase: true }).root;
const ModelType = root.lookupType('Model');

const elementTypes = { float32: 1, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof elementTypes;
/** Sizes; a string names a size that differs from call to call. */
export type Dims = readonly (number | string)[];

export interface OnnxValue {
  readonly name: string;
  readonly type?: ElementType;
  readonly dims: Dims;
}
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>;
}
export interface OnnxConstant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}
export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly metadata?: Readonly<Record<string, string>>;
}

const opset = 17;

/** The bytes of a model that any ONNX runtime loads. */
export function encodeOnnx(graph: OnnxGraph): Buffer {
  const model = {
    ir_version: 8,
    producer_name: 'foryou',
    opset_import: [{ domain: '', version: opset }],
    metadata_props: Object.entries(graph.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: graph.name,
      node: graph.nodes.map((n, i) => ({
        name: `${n.op}_${i}`,
        op_type: n.op,
        input: n.inputs,
        output: n.outputs,
        attribute: Object.entries(n.attributes ?? {}).map(([name, value]) => attribute(name, value)),
      })),
      initializer: graph.constants.map((c) => ({
        name: c.name,
        dims: c.dims,
        data_type: c.data instanceof Float32Array ? elementTypes.float32 : elementTypes.int64,
        raw_data: new Uint8Array(c.data.buffer, c.data.byteOffset, c.data.byteLength),
      })),
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
    },
  };
  return Buffer.from(ModelType.encode(ModelType.fromObject(model)).finish());
}

const valueInfo = (v: OnnxValue) => ({
  name: v.name,
  type: {
    tensor_type: {
      elem_type: elementTypes[v.type ?? 'float32'],
      shape: { dim: v.dims.map((d) => (typeof d === 'number' ? { dim_value: d } : { dim_param: d })) },
    },
  },
});

/** AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, INTS 7. Whole numbers are INT except where the operator wants a float. */
const floatAttributes = new Set(['alpha', 'beta', 'epsilon']);
function attribute(name: string, value: number | string | readonly number[]): object {
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  if (typeof value !== 'number') return { name, type: 7, ints: value };
  return floatAttributes.has(name) ? { name, type: 1, f: value } : { name, type: 2, i: value };
}

/** Properties that were stored inside a model. Throws on bytes that are no model. */
export function onnxMetadata(bytes: Uint8Array): Record<string, string> {
  return propertiesOf(ModelType.toObject(ModelType.decode(bytes)) as DecodedModel);
}
const propertiesOf = (model: DecodedModel): Record<string, string> => Object.fromEntries((model.metadata_props ?? []).map(({ key, value }) => [key, value]));

interface DecodedModel {
  readonly metadata_props?: readonly { key: string; value: string }[];
  readonly graph?: {
    readonly name?: string;
    readonly node?: readonly {
      op_type: string;
      input?: string[];
      output?: string[];
      attribute?: readonly { name: string; f?: number; i?: number; type?: number }[];
    }[];
    readonly initializer?: readonly { name: string; dims?: number[]; data_type: number; raw_data?: Uint8Array }[];
    readonly input?: readonly DecodedValue[];
    readonly output?: readonly DecodedValue[];
  };
}
interface DecodedValue {
  readonly name: string;
  readonly type?: { readonly tensor_type?: { readonly shape?: { readonly dim?: readonly { dim_value?: number; dim_param?: string }[] } } };
}

/** The graph that `encodeOnnx` wrote. Bytes that are none end in `artifact-refused`; of attributes it knows single numbers. */
export function decodeOnnx(bytes: Uint8Array): OnnxGraph {
  let model: DecodedModel;
  try {
    model = ModelType.toObject(ModelType.decode(bytes), { longs: Number }) as DecodedModel;
    if (!model.graph?.output?.length) throw new TypeError('it has no outputs');
  } catch (cause) {
    throw new ForyouError('artifact-refused', `these bytes are no ONNX model: ${(cause as Error).message}`, { cause });
  }
  const { graph } = model;
  return {
    name: graph.name ?? '',
    inputs: (graph.input ?? []).map(decodedValue),
    outputs: (graph.output ?? []).map(decodedValue),
    nodes: (graph.node ?? []).map((n) => ({
      op: n.op_type,
      inputs: n.input ?? [],
      outputs: n.output ?? [],
      attributes: Object.fromEntries((n.attribute ?? []).map((a) => [a.name, (a.type === 1 ? a.f : a.i) ?? 0])),
    })),
    constants: (graph.initializer ?? []).map((c) => {
      const { buffer } = Uint8Array.from(c.raw_data ?? []);
      return { name: c.name, dims: c.dims ?? [], data: c.data_type === elementTypes.float32 ? new Float32Array(buffer) : new BigInt64Array(buffer) };
    }),
    metadata: propertiesOf(model),
  };
}

const decodedValue = (v: DecodedValue): OnnxValue => ({
  name: v.name,
  dims: (v.type?.tensor_type?.shape?.dim ?? []).map((d) => d.dim_param ?? d.dim_value ?? 0),
});
