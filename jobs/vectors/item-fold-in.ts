import { RowSolver } from '#infra/vectors/least-squares.ts';
import { eigenbasis } from './als.ts';

export interface ItemFoldInModel {
  readonly dims: number;
  /** users x dims, as trained. */
  readonly users: Float32Array;
  readonly alpha: number;
  readonly reg: number;
  readonly nu: number;
}

/**
 * Vectors of videos that training never saw, from the few viewers who answered them: the same as one pass
 * of training over items gives, in the basis of the trained vectors.
 */
export class ItemFoldIn {
  readonly #solver: RowSolver;
  readonly #dims: number;
  readonly #basis: Float64Array;

  constructor({ dims, users, alpha, reg, nu }: ItemFoldInModel) {
    const gram = new Float64Array(dims * dims);
    for (let u = 0; u < users.length; u += dims)
      for (let a = 0; a < dims; a++)
        for (let b = 0; b <= a; b++) gram[a * dims + b] = (gram[a * dims + b] as number) + (users[u + a] as number) * (users[u + b] as number);
    const { eigen, basis } = eigenbasis([gram], dims, alpha);
    const turned = new Float32Array(users.length);
    for (let u = 0; u < users.length; u += dims)
      for (let k = 0; k < dims; k++) {
        let value = 0;
        for (let i = 0; i < dims; i++) value += (basis[k * dims + i] as number) * (users[u + i] as number);
        turned[u + k] = value;
      }
    this.#dims = dims;
    this.#basis = basis;
    this.#solver = new RowSolver({ dims, others: turned, eigen, alpha, reg, nu, prior: null });
  }

  /** From users by place and the confidence of each, above 0. */
  item(users: Int32Array, weights: Float32Array): Float32Array {
    const dims = this.#dims;
    const turned = new Float32Array(dims);
    this.#solver.solve(users, weights, 0, users.length, turned, 0);
    return Float32Array.from({ length: dims }, (_, i) => {
      let value = 0;
      for (let k = 0; k < dims; k++) value += (this.#basis[k * dims + i] as number) * (turned[k] as number);
      return value;
    });
  }
}
