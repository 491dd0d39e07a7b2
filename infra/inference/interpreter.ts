import { ForyouError } from '../errors.ts';
import type { Inference, Model, Tensor } from './inference.ts';
import { decodeOnnx, type OnnxGraph, type OnnxNode } from './onnx-model.ts';

type Operator = (inputs: readonly Tensor[], attribute: (name: string) => number) => Tensor;

const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const numbers = (t: Tensor | undefined): Float32Array => {
  if (!(t?.data instanceof Float32Array)) throw new TypeError('an operator wants 32-bit floats here');
  return t.data;
};
const whole = (t: Tensor | undefined): number[] => [...(t?.data ?? [])].map(Number);

const each =
  (f: (x: number) => number): Operator =>
  ([x]) => ({ data: numbers(x).map(f), dims: (x as Tensor).dims });

/** Where in a tensor each place of the result reads, sizes of one being stretched (multidirectional broadcasting of the ONNX specification). */
function strides(dims: readonly number[], result: readonly number[]): number[] {
  let stride = 1;
  const padded = [...Array<number>(result.length - dims.length).fill(1), ...dims];
  return padded
    .map((_d, i) => i)
    .reduceRight<number[]>((all, i) => {
      all[i] = padded[i] === 1 ? 0 : stride;
      stride *= padded[i] as number;
      return all;
    }, []);
}

const pairs =
  (f: (a: number, b: number) => number): Operator =>
  ([a, b]) => {
    const [x, y] = [numbers(a), numbers(b)];
    const [left, right] = [(a as Tensor).dims, (b as Tensor).dims];
    const rank = Math.max(left.length, right.length);
    const at = (dims: readonly number[], i: number) => dims[i - rank + dims.length] ?? 1;
    const dims = Array.from({ length: rank }, (_, i) => {
      const [l, r] = [at(left, i), at(right, i)];
      if (l !== r && l !== 1 && r !== 1) throw new RangeError(`sizes ${left.join('x')} and ${right.join('x')} do not go together`);
      return Math.max(l, r);
    });
    const [sx, sy] = [strides(left, dims), strides(right, dims)];
    const data = new Float32Array(size(dims));
    for (let n = 0; n < data.length; n++) {
      let [rest, i, j] = [n, 0, 0];
      for (let d = rank - 1; d >= 0; d--) {
        const place = rest % (dims[d] as number);
        rest = (rest - place) / (dims[d] as number);
        i += place * (sx[d] as number);
        j += place * (sy[d] as number);
      }
      data[n] = f(x[i] as number, y[j] as number);
    }
    return { data, dims };
  };

/** alpha, beta and a third matrix of Gemm are not used by what this project writes. */
const product: Operator = ([a, b], attribute) => {
  const [x, y] = [numbers(a), numbers(b)];
  const [[rowsX = 0, columnsX = 0], [rowsY = 0, columnsY = 0]] = [(a as Tensor).dims, (b as Tensor).dims];
  const [turnedX, turnedY] = [attribute('transA') === 1, attribute('transB') === 1];
  const [rows, inner, columns] = [turnedX ? columnsX : rowsX, turnedX ? rowsX : columnsX, turnedY ? rowsY : columnsY];
  if (inner !== (turnedY ? columnsY : rowsY)) throw new RangeError(`a product of ${rows} x ${inner} wants other sizes`);
  const data = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum += (x[turnedX ? k * columnsX + r : r * columnsX + k] as number) * (y[turnedY ? c * columnsY + k : k * columnsY + c] as number);
      data[r * columns + c] = sum;
    }
  return { data, dims: [rows, columns] };
};

const reduceSum: Operator = ([x, axes], attribute) => {
  const dims = (x as Tensor).dims;
  const over = new Set((axes ? whole(axes) : dims.map((_d, i) => i)).map((axis) => (axis + dims.length) % dims.length));
  const kept = dims.map((d, i) => (over.has(i) ? 1 : d));
  const into = strides(kept, dims);
  const data = new Float32Array(size(kept));
  numbers(x).forEach((value, n) => {
    let [rest, at] = [n, 0];
    for (let d = dims.length - 1; d >= 0; d--) {
      at += (rest % (dims[d] as number)) * (into[d] as number);
      rest = Math.floor(rest / (dims[d] as number));
    }
    data[at] = (data[at] as number) + value;
  });
  return { data, dims: attribute('keepdims') === 1 ? kept : dims.filter((_d, i) => !over.has(i)) };
};

/** Operators as the ONNX specification defines them (operator set 17), of 32-bit floats. */
const operators: Readonly<Record<string, Operator>> = {
  Abs: each(Math.abs),
  Add: pairs((a, b) => a + b),
  Cast: ([x]) => x as Tensor,
  Clip: ([x, low, high]) => ({
    data: numbers(x).map((v) => Math.min(numbers(high)[0] as number, Math.max(numbers(low)[0] as number, v))),
    dims: (x as Tensor).dims,
  }),
  Div: pairs((a, b) => a / b),
  Gemm: product,
  Greater: pairs((a, b) => (a > b ? 1 : 0)),
  Identity: ([x]) => x as Tensor,
  Log: each(Math.log),
  MatMul: product,
  Mul: pairs((a, b) => a * b),
  Neg: each((x) => -x),
  ReduceSum: reduceSum,
  Relu: each((x) => Math.max(0, x)),
  Sigmoid: each((x) => 1 / (1 + Math.exp(-x))),
  Sign: each(Math.sign),
  Softplus: each((x) => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)))),
  Sqrt: each(Math.sqrt),
  Sub: pairs((a, b) => a - b),
};

/**
 * Runs the operators that this project's own models consist of, one number after the other: the twin of ONNX Runtime
 * for unit tests, and what the graphs that training writes are held against.
 */
export class Interpreter implements Inference {
  async load(bytes: Uint8Array): Promise<Model> {
    const graph = decodeOnnx(bytes);
    const unknown = graph.nodes.find((node) => !operators[node.op]);
    if (unknown)
      throw new ForyouError('artifact-refused', `the interpreter does not know the operator ${unknown.op}`, { fix: 'run this model with ONNX Runtime' });
    return {
      inputs: graph.inputs,
      outputs: graph.outputs,
      metadata: graph.metadata ?? {},
      run: async (feeds) => run(graph, feeds),
      async release() {},
    };
  }
}

function run(graph: OnnxGraph, feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const values = new Map<string, Tensor>(graph.constants.map((c) => [c.name, c]));
  for (const { name, dims } of graph.inputs) {
    const fed = feeds[name];
    if (!fed || fed.dims.length !== dims.length || dims.some((d, i) => typeof d === 'number' && d !== fed.dims[i]))
      throw new RangeError(`input ${name} wants ${dims.join(' x ')}, got ${fed?.dims.join(' x ') ?? 'nothing'}`);
    values.set(name, fed);
  }
  for (const node of graph.nodes) values.set(node.outputs[0] as string, resultOf(node, values));
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, values.get(name) as Tensor]));
}

function resultOf(node: OnnxNode, values: ReadonlyMap<string, Tensor>): Tensor {
  const inputs = node.inputs.map((name) => {
    const value = values.get(name);
    if (!value) throw new RangeError(`${node.op} wants ${name}, which nothing gives`);
    return value;
  });
  return (operators[node.op] as Operator)(inputs, (name) => Number(node.attributes?.[name] ?? defaults[name] ?? 0));
}

/** Of attributes that a model may leave out. */
const defaults: Readonly<Record<string, number>> = { keepdims: 1 };
