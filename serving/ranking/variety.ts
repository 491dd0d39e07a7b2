/**
 * Orders by what is gained: the score, less how much an item is like one that stands before it
 * (maximal marginal relevance: Carbonell, Goldstein, 1998). Scores count by their place between the least and the
 * largest; `likeness` is from 0 to 1. Returns the chosen indices, in order; costs chosen x items likenesses.
 */
export function marginalRelevance(scores: Float64Array, likeness: (a: number, b: number) => number, weight: number, count: number): number[] {
  const n = scores.length;
  const [least, largest] = [scores.reduce((a, b) => Math.min(a, b), Infinity), scores.reduce((a, b) => Math.max(a, b), -Infinity)];
  const spread = largest > least ? largest - least : 1;
  const nearest = new Float64Array(n);
  const taken = new Uint8Array(n);
  const chosen: number[] = [];
  while (chosen.length < Math.min(count, n)) {
    let best = -1;
    let bestGain = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      if (taken[i]) continue;
      const gain = (1 - weight) * (((scores[i] as number) - least) / spread) - weight * (nearest[i] as number);
      if (gain > bestGain) [best, bestGain] = [i, gain];
    }
    taken[best] = 1;
    chosen.push(best);
    for (let i = 0; i < n; i++) if (!taken[i]) nearest[i] = Math.max(nearest[i] as number, likeness(i, best));
  }
  return chosen;
}
