import type { Neighbours } from './neighbours.ts';

/** Histories as lists, one after another: those of user u are at `start[u]` to `start[u + 1]`, oldest first where order is known. */
export interface Histories {
  readonly users: number;
  readonly items: number;
  readonly start: Int32Array;
  readonly item: Int32Array;
  /** Whether the order of a list is the order of time. */
  readonly ordered: boolean;
}

export interface TransitionSettings {
  /** Exponent that takes weight from popular items, on both ends. */
  readonly discount: number;
  /** What an answer is worth per step back in time; 1 without order. */
  readonly decay: number;
  /** Weight of a step backwards in time beside one forwards. */
  readonly backward: number;
  /** What one more item in between costs. */
  readonly gap: number;
  /** Pairs further apart than this are not counted in ordered histories. */
  readonly window: number;
  readonly width: number;
}

/** Lists longer than this are cut to their newest part: a pair of items of a collector says little. */
const longest = 1_000;

/**
 * Item to item: how often b follows a (or stands beside it, without order), each user counting less
 * the longer the list, popular items discounted. An ordered variant of item-kNN; the random-walk
 * normalisation of unordered lists follows RP3beta (Paudel et al., 2016).
 * Time: the sum over items of the lists that they are in. Memory: items x width x 8 bytes.
 */
export function transitions(h: Histories, s: TransitionSettings): Neighbours {
  const id = new Int32Array(h.items * s.width).fill(-1);
  const weight = new Float32Array(h.items * s.width);
  const places = placesOf(h);
  const popularity = Float64Array.from({ length: h.items }, (_, i) => Math.max(1, (places.start[i + 1] as number) - (places.start[i] as number)));
  const sums = new Float64Array(h.items);
  const touched: number[] = [];
  for (let a = 0; a < h.items; a++) {
    touched.length = 0;
    for (let i = places.start[a] as number; i < (places.start[a + 1] as number); i++)
      around(h, s, places.user[i] as number, places.at[i] as number, sums, touched);
    const scale = (popularity[a] as number) ** (h.ordered ? -s.discount : s.discount - 1);
    for (const b of touched) sums[b] = (sums[b] as number) * scale * (popularity[b] as number) ** -s.discount;
    sums[a] = 0;
    strongest(touched, sums, a, s.width, id, weight);
    for (const b of touched) sums[b] = 0;
  }
  return { width: s.width, id, weight };
}

/** Adds what the history of one user says at place `p` of its items. */
function around(h: Histories, s: TransitionSettings, user: number, p: number, sums: Float64Array, touched: number[]): void {
  const end = h.start[user + 1] as number;
  const begin = Math.max(h.start[user] as number, end - longest);
  const n = end - begin;
  const share = h.ordered ? 1 / Math.log2(2 + n) : 1 / n;
  const from = h.ordered ? Math.max(begin, p - s.window) : begin;
  const to = h.ordered ? Math.min(end, p + s.window + 1) : end;
  for (let q = from; q < to; q++) {
    if (q === p) continue;
    const b = h.item[q] as number;
    const before = sums[b] as number;
    if (before === 0) touched.push(b);
    sums[b] = before + (h.ordered ? share * s.gap ** (Math.abs(q - p) - 1) * (q > p ? 1 : s.backward) : share);
  }
}

function strongest(touched: number[], sums: Float64Array, a: number, width: number, id: Int32Array, weight: Float32Array): void {
  const best = touched.length > width ? [...touched].sort((x, y) => (sums[y] as number) - (sums[x] as number)).slice(0, width) : touched;
  let at = a * width;
  for (const b of best) {
    if (b === a || !((sums[b] as number) > 0)) continue;
    id[at] = b;
    weight[at++] = sums[b] as number;
  }
}

function placesOf(h: Histories): { start: Int32Array; user: Int32Array; at: Int32Array } {
  const start = new Int32Array(h.items + 1);
  for (const item of h.item) (start[item + 1] as number)++;
  for (let i = 0; i < h.items; i++) (start[i + 1] as number) += start[i] as number;
  const next = start.slice(0, h.items);
  const user = new Int32Array(h.item.length);
  const at = new Int32Array(h.item.length);
  for (let u = 0; u < h.users; u++)
    for (let p = h.start[u] as number; p < (h.start[u + 1] as number); p++) {
      const place = next[h.item[p] as number] as number;
      next[h.item[p] as number] = place + 1;
      user[place] = u;
      at[place] = p;
    }
  return { start, user, at };
}

/** Adds to `into` (one number per item) what the newest items of a history lead to. */
export function scoreTransitions(n: Neighbours, history: Int32Array, decay: number, into: Float32Array): void {
  let worth = 1;
  for (let p = history.length - 1; p >= 0 && worth > 1e-3; p--, worth *= decay) {
    const from = (history[p] as number) * n.width;
    for (let j = from; j < from + n.width && (n.id[j] as number) >= 0; j++) (into[n.id[j] as number] as number) += worth * (n.weight[j] as number);
  }
}
