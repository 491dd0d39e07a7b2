import { RowSolver } from './least-squares.ts';
import type { FoldInModel, VectorIndex, ViewerIndex } from './vectors.ts';

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

const nobodyNear = { labels: new Int32Array(0), scores: new Float32Array(0) };

/** An index with its viewers: both hold the thread while they work. */
export function withViewers(index: VectorIndex, model: FoldInModel): ViewerIndex {
  const foldIn = new FoldIn(model);
  return {
    ...index,
    async locate({ labels, weights }, k) {
      const vector = foldIn.user(labels, weights);
      const [hits] = k > 0 ? await index.search(vector, k) : [];
      return { vector, hits: hits ?? nobodyNear };
    },
  };
}
