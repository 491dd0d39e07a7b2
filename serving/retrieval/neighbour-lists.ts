import type { VectorIndex } from '#infra/vectors/vectors.ts';

export interface Seed {
  readonly id: string;
  readonly vector: Float32Array;
}

/** So many lists are kept; some hundred bytes each. */
const most = 50_000;

/**
 * What lies near a video in one version of an index. It is the same for everybody, and from one page of a viewer to
 * the next most of what he watched is the same: each list is searched once and kept as long as the version.
 */
export class NeighbourLists {
  readonly #index: VectorIndex;
  /** Labels by video, best first. */
  readonly #known = new Map<string, Int32Array>();

  constructor(index: VectorIndex) {
    this.#index = index;
  }

  /** At most `k` labels for each seed, best first; those that are not known are searched in one call. */
  async of(seeds: readonly Seed[], k: number): Promise<Int32Array[]> {
    const { dims, count } = this.#index;
    const wanted = Math.min(k, count);
    const missing = seeds.filter(({ id }) => (this.#known.get(id)?.length ?? 0) < wanted);
    const found = new Map<string, Int32Array>();
    if (missing.length > 0) {
      const queries = new Float32Array(missing.length * dims);
      missing.forEach(({ vector }, i) => {
        queries.set(vector, i * dims);
      });
      const hits = await this.#index.search(queries, wanted);
      missing.forEach(({ id }, i) => {
        found.set(id, hits[i]?.labels ?? new Int32Array(0));
      });
    }
    const lists = seeds.map(({ id }) => (found.get(id) ?? (this.#known.get(id) as Int32Array)).subarray(0, wanted));
    if (this.#known.size + found.size > most) this.#known.clear();
    for (const [id, labels] of found) this.#known.set(id, labels);
    return lists;
  }
}
