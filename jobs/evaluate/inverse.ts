import type { MatMul } from '#infra/inference/matmul.ts';

/** Below this size a matrix is inverted by elimination in this thread. */
const leaf = 256;

/**
 * Inverse of a symmetric positive definite matrix (n x n, row-major), by halves and Schur complements, so
 * that nearly all work is matrix products at the runtime's speed (Strassen, 1969, section 3).
 * About 2 n³ multiply-adds in float32: for well-conditioned matrices.
 */
export async function inverseOf(matmul: MatMul, a: Float32Array, n: number): Promise<Float32Array> {
  if (n <= leaf) return eliminated(a, n);
  const half = Math.floor(n / 2);
  const rest = n - half;
  const top = await inverseOf(matmul, block(a, n, 0, 0, half, half), half);
  // Q' is the lower left block; T' = Q' P⁻¹ because P⁻¹ is symmetric.
  const lower = block(a, n, half, 0, rest, half);
  const t = await matmul.timesTransposed(lower, top, half);
  const schur = block(a, n, half, half, rest, rest);
  subtract(schur, await matmul.timesTransposed(t, lower, half));
  const corner = await inverseOf(matmul, schur, rest);
  // Lower left of the result: -Z T'; upper left: P⁻¹ + T Z T'.
  const tTransposed = transposed(t, rest, half);
  const zt = await matmul.timesTransposed(corner, tTransposed, rest);
  const out = new Float32Array(n * n);
  const inner = await matmul.timesTransposed(tTransposed, transposed(zt, rest, half), rest);
  for (let i = 0; i < half; i++) for (let j = 0; j < half; j++) out[i * n + j] = (top[i * half + j] as number) + (inner[i * half + j] as number);
  for (let i = 0; i < rest; i++)
    for (let j = 0; j < half; j++) {
      const value = -(zt[i * half + j] as number);
      out[(half + i) * n + j] = value;
      out[j * n + half + i] = value;
    }
  for (let i = 0; i < rest; i++) out.set(corner.subarray(i * rest, (i + 1) * rest), (half + i) * n + half);
  return out;
}

function block(a: Float32Array, n: number, row: number, column: number, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) out.set(a.subarray((row + i) * n + column, (row + i) * n + column + columns), i * columns);
  return out;
}
function subtract(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) - (b[i] as number);
}
function transposed(a: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j] as number;
  return out;
}

/** Gauss and Jordan's elimination in float64; the matrix is positive definite, so that no row changes place. */
function eliminated(a: Float32Array, n: number): Float32Array {
  const m = Float64Array.from(a);
  for (let k = 0; k < n; k++) {
    const pivot = 1 / (m[k * n + k] as number);
    for (let j = 0; j < n; j++) m[k * n + j] = (j === k ? 1 : (m[k * n + j] as number)) * pivot;
    for (let i = 0; i < n; i++) {
      const factor = m[i * n + k] as number;
      if (i === k || factor === 0) continue;
      m[i * n + k] = 0;
      for (let j = 0; j < n; j++) m[i * n + j] = (m[i * n + j] as number) - factor * (m[k * n + j] as number);
    }
  }
  return Float32Array.from(m);
}
