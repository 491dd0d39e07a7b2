import { ThreadCalls } from '../threads/calls.ts';
import type { Answers, FoldInModel, Hits, IndexLoader, IndexShape, Located, VectorIndex, ViewerIndex } from './vectors.ts';

export type IndexCall = { readonly index: number } & (
  | { readonly what: 'load'; readonly bytes: Uint8Array; readonly expected: IndexShape; readonly model: FoldInModel | null }
  | { readonly what: 'search'; readonly queries: Float32Array; readonly k: number }
  | { readonly what: 'locate'; readonly answers: Answers; readonly k: number }
  | { readonly what: 'release' }
);

/** HNSW in a thread of its own: reading an index, searching one and folding a viewer in hold the thread. */
export class ThreadedIndexes implements IndexLoader {
  readonly calls = new ThreadCalls(new URL('./hnsw-worker.ts', import.meta.url), 'the index');
  #next = 0;

  load(bytes: Buffer, expected: IndexShape): Promise<VectorIndex> {
    return this.#load(bytes, expected, null);
  }

  loadViewers(bytes: Buffer, expected: IndexShape, model: FoldInModel): Promise<ViewerIndex> {
    return this.#load(bytes, expected, model);
  }

  async #load(bytes: Buffer, expected: IndexShape, model: FoldInModel | null): Promise<ViewerIndex> {
    const index = this.#next++;
    // A buffer that shares its memory with others is copied; one of its own moves.
    const whole = bytes.byteLength === bytes.buffer.byteLength;
    await this.#ask({ what: 'load', index, bytes, expected, model }, whole ? [bytes.buffer as ArrayBuffer] : []);
    return {
      dims: expected.dims,
      count: expected.count,
      search: (queries, k) => this.#ask<Hits[]>({ what: 'search', index, queries, k }),
      locate: (answers, k) => this.#ask<Located>({ what: 'locate', index, answers, k }),
      release: () => this.#ask({ what: 'release', index }),
    };
  }

  #ask<A>(call: IndexCall, transfer: readonly ArrayBuffer[] = []): Promise<A> {
    return this.calls.call<A>(call, transfer);
  }

  close(): Promise<void> {
    return this.calls.close();
  }
}
