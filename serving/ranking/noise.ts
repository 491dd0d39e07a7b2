import { heuristic } from '#schemas/config/heuristic.ts';

/** 32 bits of an id (FNV-1a). */
export function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash;
}
/** Uniform in [0, 1), the same for the same seed and hash (the final mix of MurmurHash3). */
export function mixed(seed: number, hash: number): number {
  let bits = Math.imul(hash ^ seed ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}
export const noise = (seed: number, id: string): number => mixed(seed, hashOf(id));

/** What decides between equals in a session. */
export const jitter = (seed: number, hash: number): number => heuristic.jitter * mixed(seed, hash);
