/**
 * 32 bits of the bytes in [from, to), four bytes at a time, after MurmurHash2 (Appleby, 2008): for tables in memory, never
 * for what is stored or sent. Functions with other factors are as good as independent.
 */
export function murmur(bytes: Uint8Array, from: number, to: number, seed: number, factor: number): number {
  let hash = seed ^ (to - from);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const word = (bytes[i] as number) | ((bytes[i + 1] as number) << 8) | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24);
    const mixed = Math.imul(word, factor);
    hash = Math.imul(hash, factor) ^ mixed ^ (mixed >>> 24);
  }
  for (; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), factor);
  hash = Math.imul(hash ^ (hash >>> 13), factor);
  return hash ^ (hash >>> 15);
}
