import { Random } from '../engine/random.ts';
import type { Histories } from '../vectors/transitions.ts';

export interface HoldOut {
  readonly train: Histories;
  readonly cases: { readonly user: number; readonly wanted: readonly number[] }[];
}

/** Users whose hold-out is scored: enough for differences of about a tenth to show. */
const mostCases = 4_000;

/**
 * Keeps part of each list of three or more apart: the newest item where order is known, otherwise a
 * random tenth, at least one. Settings are chosen on it, so that nothing of a test is ever looked at.
 */
export function holdOut(h: Histories, seed: number): HoldOut {
  const random = new Random(seed);
  const start = new Int32Array(h.users + 1);
  const item: number[] = [];
  let cases: { user: number; wanted: number[] }[] = [];
  for (let u = 0; u < h.users; u++) {
    const list = h.item.subarray(h.start[u], h.start[u + 1]);
    const apart = new Set<number>();
    if (list.length >= 3) {
      if (h.ordered) apart.add(list.length - 1);
      else while (apart.size < Math.max(1, Math.round(0.1 * list.length))) apart.add(random.below(list.length));
      const kept = new Set(list.filter((_item, i) => !apart.has(i)));
      cases.push({ user: u, wanted: [...new Set([...apart].map((i) => list[i] as number))].filter((i) => !kept.has(i)) });
    }
    list.forEach((i, at) => {
      if (!apart.has(at)) item.push(i);
    });
    start[u + 1] = item.length;
  }
  cases = cases.filter((c) => c.wanted.length > 0);
  for (let i = cases.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [cases[i], cases[j]] = [cases[j] as (typeof cases)[number], cases[i] as (typeof cases)[number]];
  }
  return { train: { ...h, start, item: Int32Array.from(item) }, cases: cases.slice(0, mostCases) };
}

/**
 * How fast finding an item counts less the more often it is in training (Yang et al., Unbiased offline recommender
 * evaluation for missing-not-at-random implicit feedback, RecSys 2018; a half is the mild end of what is found there).
 */
const propensity = 0.5;

/** What finding each item counts for, 1 in the mean over what is wanted: a random part of lists is as popular as the lists are. */
export function inversePropensity({ train, cases }: HoldOut): Float64Array {
  const counts = new Float64Array(train.items);
  for (const item of train.item) (counts[item] as number)++;
  const weights = counts.map((n) => Math.max(1, n) ** -propensity);
  const wanted = cases.flatMap((c) => c.wanted.map((item) => weights[item] as number));
  const mean = wanted.reduce((a, b) => a + b, 0) / Math.max(1, wanted.length);
  return weights.map((w) => w / mean);
}
