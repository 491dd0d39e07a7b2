import type { MatMul } from '#infra/inference/matmul.ts';
import type { Factors } from '../vectors/als.ts';
import type { Neighbours } from '../vectors/neighbours.ts';
import { type Histories, scoreTransitions } from '../vectors/transitions.ts';
import type { Recommender } from './ranking.ts';

export function popularity(h: Histories): Recommender {
  const counts = new Float32Array(h.items);
  for (const item of h.item) (counts[item] as number)++;
  return {
    async score(users) {
      const scores = new Float32Array(users.length * h.items);
      users.forEach((_user, i) => {
        scores.set(counts, i * h.items);
      });
      return scores;
    },
  };
}

export function byNeighbours(h: Histories, neighbours: Neighbours, decay: number): Recommender {
  return {
    async score(users) {
      const scores = new Float32Array(users.length * h.items);
      users.forEach((user, i) => {
        scoreTransitions(neighbours, h.item.subarray(h.start[user], h.start[user + 1]), decay, scores.subarray(i * h.items, (i + 1) * h.items));
      });
      return scores;
    },
  };
}

export function byFactors(matmul: MatMul, { users: vectors, items, dims }: Factors): Recommender {
  const plain = new Float32Array(items);
  return {
    score(users) {
      const rows = new Float32Array(users.length * dims);
      users.forEach((user, i) => {
        rows.set(vectors.subarray(user * dims, (user + 1) * dims), i * dims);
      });
      return matmul.timesTransposed(rows, plain, dims);
    },
  };
}

/** Scores times a weight of each item. */
export function weighted(recommender: Recommender, weights: Float64Array): Recommender {
  return {
    async score(users) {
      const scores = await recommender.score(users);
      for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) * (weights[i % weights.length] as number);
      return scores;
    },
  };
}

/** Scores that are kept, so that trying a share costs no product of matrices: of so many numbers at most. */
const mostRemembered = 40_000_000;
/** The same scores, computed once for each list of users while there is room. */
export function remembered(recommender: Recommender): Recommender {
  const known = new Map<string, Float32Array>();
  let room = mostRemembered;
  return {
    async score(users) {
      const key = users.join();
      const scores = known.get(key) ?? (await recommender.score(users));
      if (!known.has(key) && scores.length <= room) {
        known.set(key, scores);
        room -= scores.length;
      }
      return scores.slice();
    },
  };
}

/** The first one's scores plus `share` of the second one's, each in its own deviations per user. */
export function blend(first: Recommender, second: Recommender, share: number): Recommender {
  return {
    async score(users) {
      const a = await first.score(users);
      const b = await second.score(users);
      const items = a.length / users.length;
      for (let u = 0; u < users.length; u++) {
        const scaleA = 1 / deviation(a.subarray(u * items, (u + 1) * items));
        const scaleB = share / deviation(b.subarray(u * items, (u + 1) * items));
        for (let i = u * items; i < (u + 1) * items; i++) a[i] = (a[i] as number) * scaleA + (b[i] as number) * scaleB;
      }
      return a;
    },
  };
}

function deviation(values: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(1e-20, squares / values.length - (sum / values.length) ** 2));
}
