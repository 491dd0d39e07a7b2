import { RowSolver } from './least-squares.ts';

/** All that a user's vector follows from: the item vectors in the basis where alpha VᵀV is diagonal, that diagonal, and the settings. */
export interface FoldInModel {
  readonly dims: number;
  /** items x dims */
  readonly items: Float32Array;
  readonly eigen: Float64Array;
  readonly alpha: number;
  readonly reg: number;
  readonly nu: number;
}

/** Vectors of users that training never saw, or that have done something since: the same as a pass of training gives. */
export class FoldIn {
  readonly #solver: RowSolver;
  readonly #dims: number;
  constructor(model: FoldInModel) {
    this.#solver = new RowSolver({ ...model, others: model.items, prior: null });
    this.#dims = model.dims;
  }
  /** From items by place and the confidence of each, above 0. Costs the square of their number times dims. */
  user(items: Int32Array, weights: Float32Array): Float32Array {
    const vector = new Float32Array(this.#dims);
    this.#solver.solve(items, weights, 0, items.length, vector, 0);
    return vector;
  }
}
