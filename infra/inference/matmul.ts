import { type Inference, type Model, tensor } from './inference.ts';
import { encodeOnnx } from './onnx-model.ts';

/** Dense products at the runtime's speed: A (m x k) times the transpose of B (n x k), both row-major; gives m x n. */
export class MatMul {
  readonly #model: Model;
  private constructor(model: Model) {
    this.#model = model;
  }

  static async load(inference: Inference): Promise<MatMul> {
    const nodes = [{ op: 'Gemm', inputs: ['a', 'b'], outputs: ['c'], attributes: { transB: 1 } }];
    const bytes = encodeOnnx({
      name: 'matmul',
      nodes,
      constants: [],
      inputs: [
        { name: 'a', dims: ['m', 'k'] },
        { name: 'b', dims: ['n', 'k'] },
      ],
      outputs: [{ name: 'c', dims: ['m', 'n'] }],
    });
    return new MatMul(await inference.load(bytes));
  }

  async timesTransposed(a: Float32Array, b: Float32Array, k: number): Promise<Float32Array> {
    const { c } = await this.#model.run({ a: tensor(a, a.length / k, k), b: tensor(b, b.length / k, k) });
    return c?.data as Float32Array;
  }
  release(): Promise<void> {
    return this.#model.release();
  }
}
