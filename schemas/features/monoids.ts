/**
 * Aggregates as commutative monoids: `merge` is associative and commutative with `empty` as its
 * identity, so any order and any split of the events gives the same state. That one property
 * buys out-of-order events, pre-aggregation, parallel backfill and exactly-once merging.
 */
export interface Monoid<S, V, R> {
  readonly empty: S;
  of(timeMs: number, value: V): S;
  merge(a: S, b: S): S;
  /** Value as of `nowMs`, which must not be before the newest event. */
  read(state: S, nowMs: number): R;
}

export interface Decayed {
  readonly timeMs: number;
  readonly value: number;
}

/**
 * A sum in which every event loses half its weight per half-life (forward decay: Cormode,
 * Shkapenyuk, Srivastava, Xu, "Forward Decay", ICDE 2009). State is a value and the moment it is
 * expressed at; an infinite half-life is a plain count or sum.
 */
export function decayedSum(halfLifeMs: number): Monoid<Decayed, number, number> {
  const decay = (s: Decayed, toMs: number): number => (s.value === 0 ? 0 : s.value * 2 ** ((s.timeMs - toMs) / halfLifeMs));
  return {
    empty: { timeMs: 0, value: 0 },
    of: (timeMs, value) => ({ timeMs, value }),
    merge(a, b) {
      if (a.value === 0) return b;
      if (b.value === 0) return a;
      const timeMs = Math.max(a.timeMs, b.timeMs);
      return { timeMs, value: decay(a, timeMs) + decay(b, timeMs) };
    },
    read: decay,
  };
}

/** The value that was written at the latest event time; a tie goes to the larger value. */
export const lastWrite: Monoid<Decayed, number, number> = {
  empty: { timeMs: 0, value: 0 },
  of: (timeMs, value) => ({ timeMs, value }),
  merge: (a, b) => (a.timeMs > b.timeMs || (a.timeMs === b.timeMs && a.value >= b.value) ? a : b),
  read: (s) => s.value,
};

/**
 * Decayed sums by key. A sum is held as log2 of its forward-decayed weight (log-sum-exp), a number
 * that neither overflows with time nor changes order between keys as time passes, so that a
 * sorted set is its natural store. Exact while an entity has at most `capacity` keys; beyond,
 * the store drops the lightest.
 */
export function topK(halfLifeMs: number): Monoid<ReadonlyMap<string, number>, [key: string, value: number], Map<string, number>> {
  return {
    empty: new Map(),
    of: (timeMs, [key, value]) => new Map([[key, logWeight(timeMs, value, halfLifeMs)]]),
    merge(a, b) {
      const merged = new Map(a);
      for (const [key, weight] of b) {
        const other = merged.get(key);
        merged.set(key, other === undefined ? weight : addLogWeights(other, weight));
      }
      return merged;
    },
    read: (state, nowMs) => new Map([...state].map(([key, weight]) => [key, readLogWeight(weight, nowMs, halfLifeMs)])),
  };
}

export const logWeight = (timeMs: number, value: number, halfLifeMs: number): number => Math.log2(value) + timeMs / halfLifeMs;
export const readLogWeight = (weight: number, nowMs: number, halfLifeMs: number): number => 2 ** (weight - nowMs / halfLifeMs);
export function addLogWeights(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return high + Math.log2(1 + 2 ** (low - high));
}

/**
 * The latest n distinct keys by event time. Keeping the newest time of each key makes the
 * truncation exact: a key that n newer keys displaced could only come back with a newer time.
 */
export function latestN(n: number): Monoid<ReadonlyMap<string, number>, string, string[]> {
  const newestFirst = (s: ReadonlyMap<string, number>) => [...s].sort(([ka, ta], [kb, tb]) => tb - ta || (ka < kb ? 1 : -1));
  return {
    empty: new Map(),
    of: (timeMs, key) => new Map([[key, timeMs]]),
    merge(a, b) {
      const merged = new Map(a);
      for (const [key, timeMs] of b) merged.set(key, Math.max(timeMs, merged.get(key) ?? -Infinity));
      return new Map(newestFirst(merged).slice(0, n));
    },
    read: (state) => newestFirst(state).map(([key]) => key),
  };
}

export interface Card {
  readonly timeMs: number;
  /** Empty: the entity was withdrawn. */
  readonly body: string;
}

/** A document that the latest event time wins; at a tie the withdrawal wins, then the larger body. */
export const latestCard: Monoid<Card, string, string> = {
  empty: { timeMs: -Infinity, body: '' },
  of: (timeMs, body) => ({ timeMs, body }),
  merge(a, b) {
    if (a.timeMs !== b.timeMs) return a.timeMs > b.timeMs ? a : b;
    if (a.body === '' || b.body === '') return a.body === '' ? a : b;
    return a.body >= b.body ? a : b;
  },
  read: (s) => s.body,
};
