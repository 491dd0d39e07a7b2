import { encodeOnnx, type OnnxConstant, type OnnxNode, type OnnxValue } from '#infra/inference/onnx-model.ts';

/** A tensor in a graph: a name that nodes read and write. */
export interface Value {
  readonly name: string;
}
type Attributes = NonNullable<OnnxNode['attributes']>;
/** Given the gradient of an operation's result, the gradients of its arguments, in their order; null where none flows. */
type Backward = (gradient: Value) => readonly (Value | null)[];

/**
 * Reverse-mode differentiation whose tape is an ONNX graph (Griewank and Walther, "Evaluating
 * Derivatives", 2008, chapter 3). Operations add nodes as they are called; `gradients` adds those of the
 * backward pass. Forward, backward and the optimiser's step become one model, which the same runtime
 * runs that later serves predictions.
 *
 * Matrices are row-major [rows, columns]; the size of a batch stays open.
 */
export class Tape {
  readonly #nodes: OnnxNode[] = [];
  readonly #constants: OnnxConstant[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #scalars = new Map<number, Value>();
  readonly #operations: { readonly result: Value; readonly inputs: readonly Value[]; readonly backward: Backward }[] = [];
  #names = 0;

  input(name: string, dims: OnnxValue['dims']): Value {
    this.#inputs.push({ name, dims });
    return { name };
  }
  constant(data: Float32Array, dims: readonly number[]): Value {
    const name = `c${this.#names++}`;
    this.#constants.push({ name, dims, data });
    return { name };
  }
  scalar(value: number): Value {
    const known = this.#scalars.get(value) ?? this.constant(Float32Array.of(value), []);
    this.#scalars.set(value, known);
    return known;
  }

  /** A node without a gradient. */
  node(op: string, inputs: readonly Value[], attributes?: Attributes, name = `t${this.#names++}`): Value {
    this.#nodes.push({ op, inputs: inputs.map((i) => i.name), outputs: [name], ...(attributes ? { attributes } : {}) });
    return { name };
  }
  #differentiable(result: Value, inputs: readonly Value[], backward: Backward): Value {
    this.#operations.push({ result, inputs, backward });
    return result;
  }
  #sumOver(value: Value, axes: readonly number[], keep: boolean): Value {
    const name = `c${this.#names++}`;
    this.#constants.push({ name, dims: [axes.length], data: BigInt64Array.from(axes, BigInt) });
    return this.node('ReduceSum', [value, { name }], { keepdims: keep ? 1 : 0 });
  }

  /** [n, k] times [k, m]. */
  matmul(a: Value, b: Value): Value {
    return this.#differentiable(this.node('MatMul', [a, b]), [a, b], (g) => [
      this.node('Gemm', [g, b], { transB: 1 }),
      this.node('Gemm', [a, g], { transA: 1 }),
    ]);
  }
  /** [n, m] plus a row [m] on every row. */
  addRow(a: Value, row: Value): Value {
    return this.#differentiable(this.node('Add', [a, row]), [a, row], (g) => [g, this.#sumOver(g, [0], false)]);
  }
  add(a: Value, b: Value): Value {
    return this.#differentiable(this.node('Add', [a, b]), [a, b], (g) => [g, g]);
  }
  sub(a: Value, b: Value): Value {
    return this.#differentiable(this.node('Sub', [a, b]), [a, b], (g) => [g, this.node('Neg', [g])]);
  }
  /** Of equal shapes. */
  mul(a: Value, b: Value): Value {
    return this.#differentiable(this.node('Mul', [a, b]), [a, b], (g) => [this.node('Mul', [g, b]), this.node('Mul', [g, a])]);
  }
  relu(a: Value): Value {
    return this.#differentiable(this.node('Relu', [a]), [a], (g) => {
      const positive = this.node('Cast', [this.node('Greater', [a, this.scalar(0)])], { to: 1 });
      return [this.node('Mul', [g, positive])];
    });
  }
  sigmoid(a: Value): Value {
    const s = this.node('Sigmoid', [a]);
    return this.#differentiable(s, [a], (g) => [this.node('Mul', [g, this.node('Mul', [s, this.node('Sub', [this.scalar(1), s])])])]);
  }
  /** log(1 + exp(a)). */
  softplus(a: Value): Value {
    return this.#differentiable(this.node('Softplus', [a]), [a], (g) => [this.node('Mul', [g, this.node('Sigmoid', [a])])]);
  }
  /** Sum of all numbers of a matrix: one number. */
  sum(a: Value): Value {
    const total = this.#sumOver(a, [0, 1], false);
    return this.#differentiable(total, [a], (g) => [this.node('Mul', [g, this.node('Add', [this.node('Mul', [a, this.scalar(0)]), this.scalar(1)])])]);
  }

  /** Adds the backward pass of a number, and returns the gradient of each value it depends on. */
  gradients(of: Value, values: readonly Value[]): Value[] {
    const gradient = new Map<string, Value>([[of.name, this.scalar(1)]]);
    for (const { result, inputs, backward } of this.#operations.toReversed()) {
      const g = gradient.get(result.name);
      if (!g) continue;
      const parts = backward(g);
      inputs.forEach((input, i) => {
        const part = parts[i];
        if (!part) return;
        const before = gradient.get(input.name);
        gradient.set(input.name, before ? this.node('Add', [before, part]) : part);
      });
    }
    return values.map((value) => {
      const g = gradient.get(value.name);
      if (!g) throw new TypeError(`the result does not depend on ${value.name}`);
      return g;
    });
  }

  /** The model that computes the named outputs. */
  model(name: string, outputs: readonly OnnxValue[], metadata: Readonly<Record<string, string>> = {}): Buffer {
    return encodeOnnx({ name, nodes: this.#nodes, constants: this.#constants, inputs: this.#inputs, outputs, metadata });
  }
}
