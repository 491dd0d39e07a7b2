import { Matrix as Dense, EigenvalueDecomposition } from 'ml-matrix';
import { sharedCounter, Threads } from '../engine/threads.ts';
import type { AlsMessage } from './als-worker.ts';
import { type Matrix, sharedFloats, transpose } from './matrix.ts';
import { addNeighbours, type Neighbours } from './neighbours.ts';

export interface AlsSettings {
  readonly dims: number;
  readonly iterations: number;
  /** Weight of what was not observed. */
  readonly alpha: number;
  readonly reg: number;
  /** Exponent of the regularisation's growth with a row's weight. */
  readonly nu: number;
  /** How much of an item's prior is the mean of its neighbours by content: 0 without. */
  readonly content: number;
  readonly seed: number;
}

/** Vectors of all users and items, row-major, in one basis: the score of a pair is their dot product. */
export interface Factors {
  readonly dims: number;
  readonly users: Float32Array;
  readonly items: Float32Array;
  /** Eigenvalues of alpha VᵀV in this basis: with the item vectors all that folding a user in needs. */
  readonly eigen: Float64Array;
}

export interface AlsOptions {
  /** Neighbours of items by content, for the prior. */
  readonly neighbours?: Neighbours | undefined;
  readonly progress?: (iteration: number, iterations: number) => void;
  readonly threads?: number;
}

/**
 * Implicit ALS. Both sides are kept in the eigenbasis of the side that was solved last, in which a
 * row with few entries costs its entries' square times dims, not dims cubed.
 * Memory: 4 bytes x dims x (users + items), twice for items while a content prior is used.
 */
export async function trainAls(m: Matrix, settings: AlsSettings, options: AlsOptions = {}): Promise<Factors> {
  const { dims, alpha, reg, nu, content, iterations } = settings;
  const threads = new Threads(new URL('./als-worker.ts', import.meta.url), options.threads);
  const send = <Answer>(message: AlsMessage) => threads.all<Answer>(message);
  const byItem = transpose(m);
  const users = sharedFloats(m.rows * dims);
  const items = sharedFloats(m.columns * dims);
  randomise(items, dims, settings.seed);

  /** Turns both sides into the basis in which alpha FᵀF is diagonal, and returns the diagonal. */
  const diagonalise = async (factors: Float32Array, other: Float32Array | null) => {
    const parts = await send<Float64Array>({ what: 'gram', counter: sharedCounter(), factors, dims });
    const { eigen, basis } = eigenbasis(parts, dims, alpha);
    for (const side of [factors, other]) if (side) await send({ what: 'rotate', counter: sharedCounter(), factors: side, dims, basis });
    return eigen;
  };
  try {
    let eigen = await diagonalise(items, null);
    for (let i = 0; i < iterations; i++) {
      await send({ what: 'solve', counter: sharedCounter(), matrix: m, into: users, problem: { dims, others: items, eigen, alpha, reg, nu, prior: null } });
      // The prior is made of the items' vectors, so these follow into the users' basis.
      const userEigen = await diagonalise(users, items);
      const prior = options.neighbours && content > 0 && i >= warmUp ? priorOf(items, dims, options.neighbours, content) : null;
      await send({
        what: 'solve',
        counter: sharedCounter(),
        matrix: byItem,
        into: items,
        problem: { dims, others: users, eigen: userEigen, alpha, reg, nu, prior },
      });
      eigen = await diagonalise(items, null);
      options.progress?.(i + 1, iterations);
    }
    await send({ what: 'solve', counter: sharedCounter(), matrix: m, into: users, problem: { dims, others: items, eigen, alpha, reg, nu, prior: null } });
    return { dims, users, items, eigen };
  } finally {
    await threads.close();
  }
}

/** Iterations before items lean on their neighbours: at first these say nothing. */
const warmUp = 2;

function priorOf(items: Float32Array, dims: number, neighbours: Neighbours, content: number): Float32Array {
  const prior = sharedFloats(items.length);
  for (let i = 0; i < items.length / dims; i++) addNeighbours(items, dims, neighbours, i, content, prior, i * dims);
  return prior;
}

/** From the lower halves of Gram matrices that add up: the eigenvalues of alpha times their sum, and the basis (rows are eigenvectors). */
export function eigenbasis(parts: readonly Float64Array[], dims: number, alpha: number): { eigen: Float64Array; basis: Float64Array } {
  const gram = Dense.zeros(dims, dims);
  for (let a = 0; a < dims; a++)
    for (let b = 0; b <= a; b++) {
      const value = alpha * parts.reduce((sum, part) => sum + (part[a * dims + b] as number), 0);
      gram.set(a, b, value);
      gram.set(b, a, value);
    }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const basis = new Float64Array(dims * dims);
  for (let k = 0; k < dims; k++) for (let i = 0; i < dims; i++) basis[k * dims + i] = eigenvectorMatrix.get(i, k);
  return { eigen: Float64Array.from(realEigenvalues, (value) => Math.max(0, value)), basis };
}

/** Normal with deviation 0.1 / sqrt(dims) (Box-Muller over a seeded generator). */
function randomise(factors: Float32Array, dims: number, seed: number): void {
  let state = seed >>> 0 || 1;
  const uniform = () => {
    // xorshift32 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < factors.length; i++) factors[i] = (0.1 / Math.sqrt(dims)) * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
