import type { MatMul } from '#infra/inference/matmul.ts';

/** Blocks of this size are factored in this thread, in float64. */
const size = 256;

/**
 * Inverse of a symmetric positive definite matrix (n x n, row-major) by a blocked Cholesky factorisation
 * (Golub, Van Loan, "Matrix Computations", 4.2): A = LL', M = L⁻¹, A⁻¹ = M'M. Nearly all work is matrix
 * products at the runtime's speed, about 2 n³ multiply-adds in float32; `a` is overwritten.
 */
export async function inverseOf(matmul: MatMul, a: Float32Array, n: number): Promise<Float32Array> {
  const corners = await factor(matmul, a, n);
  const transposedInverse = await invertFactor(matmul, a, corners, n);
  return matmul.timesTransposed(transposedInverse, transposedInverse, n);
}

/** Leaves L in the lower half of `a`, and returns the inverses of its blocks on the diagonal. */
async function factor(matmul: MatMul, a: Float32Array, n: number): Promise<Float32Array[]> {
  const corners: Float32Array[] = [];
  for (let k = 0; k < n; k += size) {
    const width = Math.min(size, n - k);
    const below = n - k - width;
    const { lower, inverse } = factorBlock(block(a, n, k, k, width, width), width);
    put(a, n, k, k, lower, width);
    corners.push(inverse);
    if (below === 0) break;
    const panel = await matmul.timesTransposed(block(a, n, k + width, k, below, width), inverse, width);
    put(a, n, k + width, k, panel, width);
    const update = await matmul.timesTransposed(panel, panel, width);
    for (let i = 0; i < below; i++) {
      const row = (k + width + i) * n + k + width;
      for (let j = 0; j <= i; j++) a[row + j] = (a[row + j] as number) - (update[i * below + j] as number);
    }
  }
  return corners;
}

/** The transpose of L⁻¹, row-major, block row by block row: each follows from those above it. */
async function invertFactor(matmul: MatMul, l: Float32Array, corners: readonly Float32Array[], n: number): Promise<Float32Array> {
  const out = new Float32Array(n * n);
  for (const [b, corner] of corners.entries()) {
    const k = b * size;
    const width = Math.min(size, n - k);
    for (let i = 0; i < width; i++) for (let j = 0; j <= i; j++) out[(k + j) * n + k + i] = corner[i * width + j] as number;
    if (k === 0) continue;
    // Rows of the part above are contiguous in its transpose, which is what is held.
    const sum = await matmul.timesTransposed(block(out, n, 0, 0, k, k), block(l, n, k, 0, width, k), k);
    const product = await matmul.timesTransposed(sum, corner, width);
    for (let j = 0; j < k; j++) for (let i = 0; i < width; i++) out[j * n + k + i] = -(product[j * width + i] as number);
  }
  return out;
}

function block(a: Float32Array, n: number, row: number, column: number, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) out.set(a.subarray((row + i) * n + column, (row + i) * n + column + columns), i * columns);
  return out;
}
function put(a: Float32Array, n: number, row: number, column: number, b: Float32Array, columns: number): void {
  for (let i = 0; i < b.length / columns; i++) a.set(b.subarray(i * columns, (i + 1) * columns), (row + i) * n + column);
}

/** Cholesky factor of a small matrix, and the inverse of the factor. Throws when it is not positive definite. */
function factorBlock(a: Float32Array, n: number): { lower: Float32Array; inverse: Float32Array } {
  const l = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    let diagonal = a[j * n + j] as number;
    for (let k = 0; k < j; k++) diagonal -= (l[j * n + k] as number) ** 2;
    if (!(diagonal > 0)) throw new RangeError('the matrix is not positive definite');
    const root = Math.sqrt(diagonal);
    l[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let value = a[i * n + j] as number;
      for (let k = 0; k < j; k++) value -= (l[i * n + k] as number) * (l[j * n + k] as number);
      l[i * n + j] = value / root;
    }
  }
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / (l[j * n + j] as number);
    for (let i = j + 1; i < n; i++) {
      let value = 0;
      for (let k = j; k < i; k++) value -= (l[i * n + k] as number) * (inverse[k * n + j] as number);
      inverse[i * n + j] = value / (l[i * n + i] as number);
    }
  }
  return { lower: Float32Array.from(l), inverse: Float32Array.from(inverse) };
}
