import { Random } from '../engine/random.ts';
import type { Histories } from '../vectors/transitions.ts';

export interface HoldOut {
  readonly train: Histories;
  readonly cases: { readonly user: number; readonly wanted: readonly number[] }[];
}

/** Users whose hold-out is scored: enough for differences of about a tenth to show. */
const mostCases = 4_000;

/**
 * Keeps part of some lists apart: the newest item where order is known, otherwise a random tenth, at
 * least one, of every other list and the end of those between. A file that lists items by number may have
 * been cut at random or at the end of each list, and items with high numbers are often the rarer ones:
 * settings should suit both. They are chosen on this, so that nothing of a test is ever looked at. At most every other
 * list of two or more is touched: the rest stays whole, so that what is trained is nearly as dense as the
 * whole, and short lists are asked about as often as they occur.
 */
export function holdOut(h: Histories, seed: number): HoldOut {
  const random = new Random(seed);
  const eligible = Int32Array.from({ length: h.users }, (_, u) => u).filter((u) => (h.start[u + 1] as number) - (h.start[u] as number) >= 2);
  for (let i = eligible.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [eligible[i], eligible[j]] = [eligible[j] as number, eligible[i] as number];
  }
  const touched = new Set(eligible.subarray(0, Math.min(mostCases, Math.ceil(eligible.length / 2))));
  const start = new Int32Array(h.users + 1);
  const item: number[] = [];
  const cases: { user: number; wanted: number[] }[] = [];
  for (let u = 0; u < h.users; u++) {
    const list = h.item.subarray(h.start[u], h.start[u + 1]);
    const apart = new Set<number>();
    if (touched.has(u)) {
      if (h.ordered) apart.add(list.length - 1);
      else if (cases.length % 2 === 0) for (let i = 0; i < Math.max(1, Math.round(0.1 * list.length)); i++) apart.add(list.length - 1 - i);
      else while (apart.size < Math.max(1, Math.round(0.1 * list.length))) apart.add(random.below(list.length));
      const kept = new Set(list.filter((_item, i) => !apart.has(i)));
      const wanted = [...new Set([...apart].map((i) => list[i] as number))].filter((i) => !kept.has(i));
      if (wanted.length > 0) cases.push({ user: u, wanted });
    }
    list.forEach((i, at) => {
      if (!apart.has(at)) item.push(i);
    });
    start[u + 1] = item.length;
  }
  return { train: { ...h, start, item: Int32Array.from(item) }, cases };
}
