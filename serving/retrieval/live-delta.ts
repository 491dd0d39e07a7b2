import type { Loaded } from '#infra/artifacts/loader.ts';
import type { Retrieval } from './index-reader.ts';

/** So many of the newest videos are searched beside the index: exactly, since they are few. */
export const newestKept = 4_096;

/** Those with the highest scores, at most `k`, in the order in which they came. */
export function bestOf(ids: readonly string[], scores: Float32Array, k: number): string[] {
  const least = scores.length > k ? (scores.slice().sort()[scores.length - k] as number) : Number.NEGATIVE_INFINITY;
  return ids.filter((_id, i) => (scores[i] as number) >= least).slice(0, k);
}

/**
 * Videos that were published since the index was built. Nobody has answered them yet, so that each stands
 * where the videos of its topics stand on average; the next index folds it in from its first viewers.
 */
export class LiveDelta {
  /** Topics by video, oldest first. */
  readonly #videos = new Map<string, readonly string[]>();
  #base: Loaded<Retrieval> | null = null;
  #ids: string[] = [];
  #vectors = new Float32Array(0);

  get size(): number {
    return this.#videos.size;
  }

  add(id: string, topics: readonly string[]): void {
    this.#videos.delete(id);
    this.#videos.set(id, topics);
    this.#base = null;
    if (this.#videos.size > newestKept) this.#videos.delete(this.#videos.keys().next().value as string);
  }
  remove(id: string): void {
    if (this.#videos.delete(id)) this.#base = null;
  }

  /** The best of them for a viewer, by the same product as in the index. */
  near(base: Loaded<Retrieval>, taste: Float32Array, k: number): string[] {
    if (this.#base !== base) this.#place(base);
    const dims = taste.length;
    const scores = new Float32Array(this.#ids.length);
    for (let i = 0; i < scores.length; i++) {
      let dot = 0;
      for (let d = 0; d < dims; d++) dot += (taste[d] as number) * (this.#vectors[i * dims + d] as number);
      scores[i] = dot;
    }
    return bestOf(this.#ids, scores, k);
  }

  #place(base: Loaded<Retrieval>): void {
    const { places, topics, index } = base.value;
    this.#ids = [];
    this.#vectors = new Float32Array(this.#videos.size * index.dims);
    for (const [id, names] of this.#videos) {
      if (places.has(id)) continue;
      const means = names.flatMap((name) => topics.get(name) ?? []);
      if (means.length === 0) continue;
      const at = this.#ids.push(id) * index.dims - index.dims;
      for (const mean of means)
        for (let d = 0; d < index.dims; d++) this.#vectors[at + d] = (this.#vectors[at + d] as number) + (mean[d] as number) / means.length;
    }
    this.#base = base;
  }
}
