/** Length of a video's direction, which is the largest number that a byte has room for. */
export const unit = 127;

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

/** Length of the viewer's direction: finer than the videos', for there is only one of it. */
const fine = 32_767;

/** Cosines of a viewer's vector and of videos' directions by their labels, 0 for a label of -1; none at all when the viewer is unknown. */
export function similaritiesTo(directions: Int8Array | null, taste: Float32Array | null, labels: Int32Array): Float32Array {
  const length = Math.hypot(...(taste ?? []));
  if (!directions || !taste || length === 0) return new Float32Array(0);
  // Whole numbers on both sides: they are multiplied without a conversion, and 32 bits have room for the sum.
  const own = Int32Array.from(taste, (t) => Math.round((t / length) * fine));
  const cosines = new Float32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (label >= 0) cosines[i] = wholeDot(own, directions, label * own.length) / (fine * unit);
  }
  return cosines;
}
