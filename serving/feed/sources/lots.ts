/** Lots of 32 bits that the seed decides, so that a page that is asked for twice is the same (xorshift32: Marsaglia, 2003). */
export function lots(seed: number, position: number): () => number {
  let state = (seed ^ Math.imul(position + 1, 0x9e3779b1)) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state;
  };
}
