import { ForyouError } from '#infra/errors.ts';
import type { MatMul } from '#infra/inference/matmul.ts';
import type { Neighbours } from '../vectors/neighbours.ts';
import type { Histories } from '../vectors/transitions.ts';
import { holdOut } from './hold-out.ts';
import { inverseOf } from './inverse.ts';
import { type Recommender, rankingQuality } from './ranking.ts';
import { byNeighbours, popularity } from './recommenders.ts';

/** Users by item and how often two items share a user: the Gram matrix of chosen items, n x n. */
function gram(h: Histories, place: Int32Array, n: number): Float32Array {
  const g = new Float32Array(n * n);
  for (let u = 0; u < h.users; u++) {
    const mine = [...new Set(h.item.subarray(h.start[u], h.start[u + 1]))].map((i) => place[i] as number).filter((p) => p >= 0);
    for (const a of mine) for (const b of mine) g[a * n + b] = (g[a * n + b] as number) + 1;
  }
  return g;
}

function counts(h: Histories): Float64Array {
  const c = new Float64Array(h.items);
  for (const item of h.item) c[item] = (c[item] as number) + 1;
  return c;
}

/** Items that a dense n x n method looks at: all, or the most popular ones where all would not fit. */
function chosenItems(h: Histories, most: number): { place: Int32Array; chosen: Int32Array } {
  const c = counts(h);
  const chosen = Int32Array.from({ length: h.items }, (_, i) => i)
    .sort((a, b) => (c[b] as number) - (c[a] as number))
    .subarray(0, most)
    .filter((i) => (c[i] as number) > 0);
  const place = new Int32Array(h.items).fill(-1);
  chosen.forEach((item, at) => {
    place[item] = at;
  });
  return { place, chosen };
}

/**
 * Item to item with BM25 weights on both sides (Robertson, Zaragoza, 2009): users of many items count
 * less, and `lengths` (0 to 1) says how much less items of many users do. Each item keeps `width` others.
 */
export function itemKnn(h: Histories, lengths: number, width = 1_000): Neighbours {
  const users = usersOf(h);
  const mean = h.item.length / Math.max(1, h.items);
  const saturation = 1.2;
  const idf = Float64Array.from({ length: h.users }, (_, u) => Math.log(h.items) - Math.log1p((h.start[u + 1] as number) - (h.start[u] as number)));
  const scale = Float64Array.from(users, (list) => (saturation + 1) / (saturation * (1 - lengths + (lengths * list.length) / mean) + 1));
  const id = new Int32Array(h.items * width).fill(-1);
  const weight = new Float32Array(h.items * width);
  const sums = new Float64Array(h.items);
  for (let a = 0; a < h.items; a++) {
    const touched: number[] = [];
    for (const u of users[a] as number[])
      for (let p = h.start[u] as number; p < (h.start[u + 1] as number); p++) {
        const b = h.item[p] as number;
        if (sums[b] === 0) touched.push(b);
        sums[b] = (sums[b] as number) + (idf[u] as number) ** 2 * (scale[a] as number) * (scale[b] as number);
      }
    const near = touched
      .filter((b) => b !== a)
      .sort((x, y) => (sums[y] as number) - (sums[x] as number))
      .slice(0, width);
    near.forEach((b, i) => {
      id[a * width + i] = b;
      weight[a * width + i] = sums[b] as number;
    });
    for (const b of touched) sums[b] = 0;
  }
  return { width, id, weight };
}

function usersOf(h: Histories): number[][] {
  const users: number[][] = Array.from({ length: h.items }, () => []);
  for (let u = 0; u < h.users; u++) for (const i of new Set(h.item.subarray(h.start[u], h.start[u + 1]))) users[i]?.push(u);
  return users;
}

/** Beyond this many items the most popular ones are taken: n x n numbers must fit several times. */
const mostDense = 10_000;

/**
 * EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019): B = I - P diag(P)⁻¹ with
 * P = (XᵀX + lambda I)⁻¹.
 */
export async function ease(matmul: MatMul, h: Histories, lambda: number): Promise<Recommender> {
  const { place, chosen } = chosenItems(h, mostDense);
  const n = chosen.length;
  if (n === 0) throw new ForyouError('input-invalid', 'there are no interactions', { fix: 'give a file with some' });
  const g = gram(h, place, n);
  for (let i = 0; i < n; i++) g[i * n + i] = (g[i * n + i] as number) + lambda;
  const p = await inverseOf(matmul, g, n);
  return {
    async score(users) {
      const scores = new Float32Array(users.length * h.items);
      users.forEach((user, row) => {
        for (const item of new Set(h.item.subarray(h.start[user], h.start[user + 1]))) {
          const a = place[item] as number;
          if (a < 0) continue;
          for (let b = 0; b < n; b++) {
            if (a === b) continue;
            const at = row * h.items + (chosen[b] as number);
            scores[at] = (scores[at] as number) - (p[a * n + b] as number) / (p[b * n + b] as number);
          }
        }
      });
      return scores;
    },
  };
}

export interface Baseline {
  readonly name: string;
  readonly recommender: Recommender;
}

/** The usual opponents, each with its one setting chosen on what `holdOut` keeps apart. */
export async function baselines(matmul: MatMul, h: Histories, k: number): Promise<Baseline[]> {
  const { train, cases } = holdOut(h, 7);
  const has = (user: number) => train.item.subarray(train.start[user], train.start[user + 1]);
  const best = async (values: readonly number[], make: (value: number) => Promise<Recommender> | Recommender): Promise<number> => {
    let [chosen, quality] = [values[0] as number, Number.NEGATIVE_INFINITY];
    for (const value of values) {
      const { ndcg } = await rankingQuality(await make(value), cases, has, train.items, k);
      if (ndcg > quality) [chosen, quality] = [value, ndcg];
    }
    return chosen;
  };
  const knn = await best([0, 0.1, 0.3], (lengths) => byNeighbours(train, itemKnn(train, lengths), 1));
  const lambda = await best([50, 200, 500], (l) => ease(matmul, train, l));
  return [
    { name: 'popularity', recommender: popularity(h) },
    { name: 'item-kNN', recommender: byNeighbours(h, itemKnn(h, knn), 1) },
    { name: 'EASE', recommender: await ease(matmul, h, lambda) },
  ];
}
