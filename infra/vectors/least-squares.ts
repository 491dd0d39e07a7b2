/**
 * One side's problem in the eigenbasis of the other side's Gram matrix. For the entries S of a row,
 * with confidences c and the other side's vectors v, it minimises over u
 *   sum_S c (1 - u·v)^2 + alpha sum_all (u·v)^2 + r |u - p|^2,  r = reg (sum_S c + alpha n)^nu
 * (implicit ALS: Hu, Koren, Volinsky 2008; weight of the unobserved and scaled regularisation:
 * Rendle, Krichene, Zhang, Koren, "Revisiting the Performance of iALS", 2022; the prior p is ours).
 */
export interface Problem {
  readonly dims: number;
  /** n x dims, rotated so that alpha VᵀV is diagonal. */
  readonly others: Float32Array;
  /** That diagonal. */
  readonly eigen: Float64Array;
  readonly alpha: number;
  readonly reg: number;
  readonly nu: number;
  /** rows x dims in the same basis, or null for 0. */
  readonly prior: Float32Array | null;
}

/** Solves rows of one problem. Holds scratch memory: one per thread. */
export class RowSolver {
  readonly #p: Problem;
  readonly #n: number;
  readonly #inverse: Float64Array;
  readonly #solution: Float64Array;
  readonly #square: Float64Array;
  #vectors = new Float64Array(0);

  constructor(problem: Problem) {
    this.#p = problem;
    this.#n = problem.others.length / problem.dims;
    this.#inverse = new Float64Array(problem.dims);
    this.#solution = new Float64Array(problem.dims);
    // The larger of the two systems is dims x dims: above that many entries the dense one is smaller.
    this.#square = new Float64Array(problem.dims * problem.dims);
  }

  /** Writes the vector of `columns` with `weights` to `into` at `at`. */
  solve(columns: Int32Array, weights: Float32Array, from: number, to: number, into: Float32Array, at: number, priorAt = at): void {
    const { dims, eigen, alpha, reg, nu, prior } = this.#p;
    let sum = 0;
    for (let i = from; i < to; i++) sum += weights[i] as number;
    const r = reg * (sum + alpha * this.#n) ** nu;
    const inverse = this.#inverse;
    const u = this.#solution;
    for (let k = 0; k < dims; k++) {
      inverse[k] = 1 / ((eigen[k] as number) + r);
      u[k] = prior ? r * (inverse[k] as number) * (prior[priorAt + k] as number) : 0;
    }
    if (to > from) {
      if (to - from < dims) this.#few(columns, weights, from, to);
      else this.#many(columns, weights, from, to);
    }
    for (let k = 0; k < dims; k++) into[at + k] = u[k] as number;
  }

  /** Fewer entries than dimensions: the Woodbury identity leaves a system of one unknown per entry. */
  #few(columns: Int32Array, weights: Float32Array, from: number, to: number): void {
    const { dims, others } = this.#p;
    const [n, u, inverse, square] = [to - from, this.#solution, this.#inverse, this.#square];
    if (this.#vectors.length < n * dims) this.#vectors = new Float64Array(n * dims * 2);
    const vectors = this.#vectors;
    const y = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const v = (columns[from + i] as number) * dims;
      let fit = 0;
      for (let k = 0; k < dims; k++) {
        const value = others[v + k] as number;
        fit += value * (u[k] as number);
        vectors[i * dims + k] = value * (inverse[k] as number);
      }
      y[i] = 1 - fit;
      for (let j = 0; j <= i; j++) {
        // Four sums at once: one alone would wait for each of its additions.
        let [s0, s1, s2, s3] = [0, 0, 0, 0];
        const a = j * dims;
        const whole = dims & ~3;
        for (let k = 0; k < whole; k += 4) {
          s0 += (vectors[a + k] as number) * (others[v + k] as number);
          s1 += (vectors[a + k + 1] as number) * (others[v + k + 1] as number);
          s2 += (vectors[a + k + 2] as number) * (others[v + k + 2] as number);
          s3 += (vectors[a + k + 3] as number) * (others[v + k + 3] as number);
        }
        for (let k = whole; k < dims; k++) s0 += (vectors[a + k] as number) * (others[v + k] as number);
        square[i * n + j] = s0 + s1 + s2 + s3;
      }
      (square[i * n + i] as number) += 1 / (weights[from + i] as number);
    }
    choleskySolve(square, n, y);
    for (let i = 0; i < n; i++) for (let k = 0, a = i * dims; k < dims; k++) (u[k] as number) += (y[i] as number) * (vectors[a + k] as number);
  }

  #many(columns: Int32Array, weights: Float32Array, from: number, to: number): void {
    const { dims, others } = this.#p;
    const [u, inverse, square] = [this.#solution, this.#inverse, this.#square];
    square.fill(0);
    const right = new Float64Array(dims);
    for (let k = 0; k < dims; k++) {
      // The diagonal of the problem without entries, and its right side r p.
      square[k * dims + k] = 1 / (inverse[k] as number);
      right[k] = (u[k] as number) / (inverse[k] as number);
    }
    for (let i = from; i < to; i++) {
      const v = (columns[i] as number) * dims;
      const c = weights[i] as number;
      for (let a = 0; a < dims; a++) {
        const value = c * (others[v + a] as number);
        (right[a] as number) += value;
        for (let b = 0, row = a * dims; b <= a; b++) (square[row + b] as number) += value * (others[v + b] as number);
      }
    }
    choleskySolve(square, dims, right);
    u.set(right);
  }
}

/** Solves A x = b for symmetric positive definite A (n x n, lower half read and overwritten); x replaces b. */
export function choleskySolve(a: Float64Array, n: number, b: Float64Array): void {
  for (let j = 0; j < n; j++) {
    const row = j * n;
    for (let k = 0; k < j; k++) {
      const other = k * n;
      let sum = a[row + k] as number;
      for (let i = 0; i < k; i++) sum -= (a[row + i] as number) * (a[other + i] as number);
      a[row + k] = sum / (a[other + k] as number);
    }
    let diagonal = a[row + j] as number;
    let right = b[j] as number;
    for (let i = 0; i < j; i++) {
      const value = a[row + i] as number;
      diagonal -= value * value;
      right -= value * (b[i] as number);
    }
    const pivot = Math.sqrt(Math.max(diagonal, 1e-12));
    a[row + j] = pivot;
    b[j] = right / pivot;
  }
  for (let j = n - 1; j >= 0; j--) {
    const value = (b[j] as number) / (a[j * n + j] as number);
    b[j] = value;
    for (let i = 0; i < j; i++) (b[i] as number) -= (a[j * n + i] as number) * value;
  }
}
