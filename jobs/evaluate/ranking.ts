import { topIndices } from '../vectors/content.ts';

/** Scores every item for some users: users x items, row-major. */
export interface Recommender {
  readonly score: (users: readonly number[]) => Promise<Float32Array>;
}

export interface RankingQuality {
  /** Share of the wanted items that are among the first k, averaged over users. */
  readonly recall: number;
  /** Discounted gain over the best possible one, averaged over users. Gains are 1, or the weights of items where these are given. */
  readonly ndcg: number;
  /** Share of users with at least one wanted item among the first k. */
  readonly hitRate: number;
  readonly users: number;
}

const usersAtOnce = 256;

/**
 * Full ranking over all items but those the user has already. `wanted[u]` are the items that a
 * user should find; null in it stands for one that training never saw, which counts as missed.
 * A user number of -1 is one that training never saw: it is answered with `fallback`. With `weights` (by item) the
 * best possible gain is still that of ones, so that with weights of 1 in the mean the values stay comparable.
 */
export async function rankingQuality(
  recommender: Recommender,
  cases: readonly { readonly user: number; readonly wanted: readonly (number | null)[] }[],
  has: (user: number) => Int32Array,
  items: number,
  k: number,
  { fallback = [], weights }: { readonly fallback?: readonly number[]; readonly weights?: Float64Array | undefined } = {},
): Promise<RankingQuality> {
  const sums = { recall: 0, ndcg: 0, hitRate: 0 };
  const known = cases.filter((c) => c.user >= 0);
  for (const c of cases) if (c.user < 0) addCase(sums, fallback.slice(0, k), c.wanted, k, weights);
  for (let from = 0; from < known.length; from += usersAtOnce) {
    const batch = known.slice(from, from + usersAtOnce);
    const scores = await recommender.score(batch.map((c) => c.user));
    batch.forEach((c, i) => {
      const row = scores.subarray(i * items, (i + 1) * items);
      for (const item of has(c.user)) row[item] = Number.NEGATIVE_INFINITY;
      addCase(sums, topIndices(row, k), c.wanted, k, weights);
    });
  }
  const n = Math.max(1, cases.length);
  return { recall: sums.recall / n, ndcg: sums.ndcg / n, hitRate: sums.hitRate / n, users: cases.length };
}

function addCase(
  sums: { recall: number; ndcg: number; hitRate: number },
  ranked: readonly number[],
  wanted: readonly (number | null)[],
  k: number,
  weights: Float64Array | undefined,
): void {
  let hits = 0;
  let gain = 0;
  ranked.forEach((item, rank) => {
    if (!wanted.includes(item)) return;
    hits++;
    gain += (weights?.[item] ?? 1) / Math.log2(rank + 2);
  });
  let ideal = 0;
  for (let rank = 0; rank < Math.min(k, wanted.length); rank++) ideal += 1 / Math.log2(rank + 2);
  sums.recall += hits / wanted.length;
  sums.ndcg += gain / ideal;
  sums.hitRate += hits > 0 ? 1 : 0;
}
