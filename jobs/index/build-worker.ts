import { HnswIndexes } from '#infra/vectors/hnsw.ts';
import type { IndexSettings, VectorIndex } from '#infra/vectors/vectors.ts';
import { answerMessages } from '../engine/threads.ts';
import { topIndices } from '../vectors/content.ts';

export interface BuildMessage {
  readonly vectors: Float32Array;
  readonly dims: number;
  readonly settings: IndexSettings;
  /** Queries that recall is measured on, and how many neighbours each asks for. */
  readonly queries: Float32Array;
  readonly k: number;
}
export interface Built {
  readonly index: Uint8Array;
  /** Share of the exact best that the index finds. */
  readonly recall: number;
}

async function recallOf(index: VectorIndex, { vectors, dims, queries, k }: BuildMessage): Promise<number> {
  const count = vectors.length / dims;
  const exact = new Float32Array(count);
  let found = 0;
  for (let q = 0; q < queries.length; q += dims) {
    const query = queries.subarray(q, q + dims);
    for (let i = 0; i < count; i++) {
      let dot = 0;
      for (let d = 0; d < dims; d++) dot += (query[d] as number) * (vectors[i * dims + d] as number);
      exact[i] = dot;
    }
    // By score, not by name: copies of a video share a vector.
    const worst = exact[topIndices(exact, k).at(-1) as number] as number;
    const [hits] = await index.search(query, k);
    for (const label of hits?.labels ?? []) if ((exact[label] as number) >= worst - 1e-6) found++;
  }
  return queries.length === 0 ? 1 : found / ((queries.length / dims) * k);
}

// A thread's root: it connects the one adapter that it needs. All that holds a thread is done here.
answerMessages(async (message: BuildMessage): Promise<Built> => {
  const { vectors, dims, settings } = message;
  const indexes = new HnswIndexes();
  const bytes = indexes.build(vectors, dims, settings);
  const index = await indexes.load(bytes, { count: vectors.length / dims, dims, ef: settings.ef });
  return { index: bytes, recall: await recallOf(index, message) };
});
