import { type Problem, RowSolver } from '#infra/vectors/least-squares.ts';
import { answerMessages, takeFrom } from '../engine/threads.ts';
import type { Matrix } from './matrix.ts';

export type AlsMessage =
  | { readonly what: 'gram'; readonly counter: Int32Array; readonly factors: Float32Array; readonly dims: number }
  | { readonly what: 'rotate'; readonly counter: Int32Array; readonly factors: Float32Array; readonly dims: number; readonly basis: Float64Array }
  | { readonly what: 'solve'; readonly counter: Int32Array; readonly problem: Problem; readonly matrix: Matrix; readonly into: Float32Array };

const step = 64;

/** Part of FᵀF (dims x dims) over the rows that this thread took. */
function gram(factors: Float32Array, dims: number, take: () => [number, number] | null): Float64Array {
  const sums = new Float64Array(dims * dims);
  for (let range = take(); range; range = take())
    for (let at = range[0] * dims; at < range[1] * dims; at += dims)
      for (let a = 0; a < dims; a++) {
        const value = factors[at + a] as number;
        for (let b = 0, row = a * dims; b <= a; b++) (sums[row + b] as number) += value * (factors[at + b] as number);
      }
  return sums;
}

/** Replaces each row f by f B; column k of B is at `basis[k * dims]`. */
function rotate(factors: Float32Array, dims: number, basis: Float64Array, take: () => [number, number] | null): void {
  const row = new Float64Array(dims);
  for (let range = take(); range; range = take())
    for (let at = range[0] * dims; at < range[1] * dims; at += dims) {
      for (let k = 0; k < dims; k++) row[k] = factors[at + k] as number;
      for (let k = 0; k < dims; k++) {
        let dot = 0;
        for (let i = 0, b = k * dims; i < dims; i++) dot += (row[i] as number) * (basis[b + i] as number);
        factors[at + k] = dot;
      }
    }
}

/** Vectors of all rows of a matrix from `from` on, in steps that threads take from a shared counter. */
function solveRows(problem: Problem, m: Matrix, take: () => [from: number, to: number] | null, into: Float32Array): void {
  const solver = new RowSolver(problem);
  for (let range = take(); range; range = take())
    for (let r = range[0]; r < range[1]; r++) solver.solve(m.column, m.weight, m.start[r] as number, m.start[r + 1] as number, into, r * problem.dims);
}

answerMessages((m: AlsMessage) => {
  switch (m.what) {
    case 'gram':
      return gram(m.factors, m.dims, takeFrom(m.counter, m.factors.length / m.dims, step));
    case 'rotate':
      return rotate(m.factors, m.dims, m.basis, takeFrom(m.counter, m.factors.length / m.dims, step));
    case 'solve':
      return solveRows(m.problem, m.matrix, takeFrom(m.counter, m.matrix.rows, step), m.into);
  }
});
