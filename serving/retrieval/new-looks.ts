import type { Loaded } from '#infra/artifacts/loader.ts';
import type { ContentCard } from '#schemas/features/views/videos.ts';
import { placeIn } from '#schemas/media/content-vector.ts';
import type { ContentIndex } from './content-reader.ts';
import { bestOf, newestKept } from './live-delta.ts';

/** What the newest videos look and sound like: those that the content index does not have yet are searched exactly, since they are few. */
export class NewLooks {
  /** Oldest first. */
  readonly #videos = new Map<string, ContentCard>();
  #base: Loaded<ContentIndex> | null = null;
  readonly #places = new Map<string, Float32Array>();

  add(id: string, content: ContentCard): void {
    this.#videos.delete(id);
    this.#videos.set(id, content);
    this.#base = null;
    if (this.#videos.size > newestKept) this.#videos.delete(this.#videos.keys().next().value as string);
  }
  remove(id: string): void {
    if (this.#videos.delete(id)) this.#base = null;
  }

  /** Where a video lies, in the index or beside it; null for one that nobody described. */
  vector(base: Loaded<ContentIndex>, id: string): Float32Array | null {
    const { places, vectors, index } = base.value;
    const place = places.get(id);
    if (place !== undefined) return vectors.subarray(place * index.dims, (place + 1) * index.dims);
    this.#follow(base);
    return this.#places.get(id) ?? null;
  }

  /** The nearest of them. */
  near(base: Loaded<ContentIndex>, vector: Float32Array, k: number): string[] {
    this.#follow(base);
    const ids = [...this.#places.keys()];
    const scores = Float32Array.from(this.#places.values(), (place) => {
      let dot = 0;
      for (let d = 0; d < vector.length; d++) dot += (vector[d] as number) * (place[d] as number);
      return dot;
    });
    return bestOf(ids, scores, k);
  }

  #follow(base: Loaded<ContentIndex>): void {
    if (this.#base === base) return;
    const { places, space, model } = base.value;
    this.#places.clear();
    for (const [id, content] of this.#videos) {
      if (places.has(id) || content.vectorModel !== model) continue;
      const place = placeIn(space, content);
      if (place) this.#places.set(id, place);
    }
    this.#base = base;
  }
}
