/**
 * Dot product of whole numbers with the row of `rows` that begins at `from`, modulo 2^32. Four sums at once: one alone
 * would wait for each of its additions.
 */
export function wholeDot(own: Int32Array, rows: Int8Array, from: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = own.length & ~3;
  for (let d = 0; d < whole; d += 4) {
    s0 = (s0 + Math.imul(own[d] as number, rows[from + d] as number)) | 0;
    s1 = (s1 + Math.imul(own[d + 1] as number, rows[from + d + 1] as number)) | 0;
    s2 = (s2 + Math.imul(own[d + 2] as number, rows[from + d + 2] as number)) | 0;
    s3 = (s3 + Math.imul(own[d + 3] as number, rows[from + d + 3] as number)) | 0;
  }
  for (let d = whole; d < own.length; d++) s0 = (s0 + Math.imul(own[d] as number, rows[from + d] as number)) | 0;
  return (s0 + s1 + s2 + s3) | 0;
}
