/**
 * Orders by what is gained: the score, less how much an item is like one that stands before it
 * (maximal marginal relevance: Carbonell, Goldstein, 1998). Scores count by their place between the least and the
 * largest; `likeness` of an item and of one that was chosen is from 0 to 1. Returns the chosen indices, in order. What
 * an item gains can only fall as others are chosen, so that one is only compared with them while it still gains most
 * (Minoux, "Accelerated greedy algorithms", 1978): a fraction of the chosen x items likenesses that this costs at worst.
 */
export function marginalRelevance(scores: Float64Array, likeness: (a: number, b: number) => number, weight: number, count: number): number[] {
  const n = scores.length;
  const [least, largest] = [scores.reduce((a, b) => Math.min(a, b), Infinity), scores.reduce((a, b) => Math.max(a, b), -Infinity)];
  const spread = largest > least ? largest - least : 1;
  const worth = scores.map((score) => (1 - weight) * ((score - least) / spread));
  /** Of each item, how near it is to the nearest of the first so many chosen ones. */
  const nearest = new Float64Array(n);
  const compared = new Int32Array(n);
  const gains = worth.slice();
  const chosen: number[] = [];
  while (chosen.length < Math.min(count, n)) {
    let best = 0;
    for (let i = 1; i < n; i++) if ((gains[i] as number) > (gains[best] as number)) best = i;
    const next = compared[best] as number;
    if (next === chosen.length) {
      chosen.push(best);
      gains[best] = Number.NEGATIVE_INFINITY;
    } else {
      nearest[best] = Math.max(nearest[best] as number, likeness(best, chosen[next] as number));
      compared[best] = next + 1;
      gains[best] = (worth[best] as number) - weight * (nearest[best] as number);
    }
  }
  return chosen;
}
