import { ThreadCalls } from '../threads/calls.ts';
import type { Hits, IndexLoader, IndexShape, VectorIndex } from './vectors.ts';

export type IndexCall = { readonly index: number } & (
  | { readonly what: 'load'; readonly bytes: Uint8Array; readonly expected: IndexShape }
  | { readonly what: 'search'; readonly queries: Float32Array; readonly k: number }
  | { readonly what: 'release' }
);

/** HNSW in a thread of its own: reading an index and searching one hold the thread. */
export class ThreadedIndexes implements IndexLoader {
  readonly calls = new ThreadCalls(new URL('./hnsw-worker.ts', import.meta.url), 'the index');
  #next = 0;

  async load(bytes: Buffer, expected: IndexShape): Promise<VectorIndex> {
    const index = this.#next++;
    // A buffer that shares its memory with others is copied; one of its own moves.
    const whole = bytes.byteLength === bytes.buffer.byteLength;
    await this.#ask({ what: 'load', index, bytes, expected }, whole ? [bytes.buffer as ArrayBuffer] : []);
    return {
      dims: expected.dims,
      count: expected.count,
      search: (queries, k) => this.#ask<Hits[]>({ what: 'search', index, queries, k }),
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
