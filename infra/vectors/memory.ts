import { ForyouError } from '../errors.ts';
import { withViewers } from './fold-in.ts';
import type { FoldInModel, IndexBuilder, IndexLoader, IndexShape, VectorIndex, ViewerIndex } from './vectors.ts';

/** Exact search over all vectors: the twin for unit tests, and what recall is measured against. */
export class ExactIndexes implements IndexBuilder, IndexLoader {
  build(vectors: Float32Array, dims: number): Buffer {
    const header = Buffer.alloc(8);
    header.writeUInt32LE(vectors.length / dims, 0);
    header.writeUInt32LE(dims, 4);
    return Buffer.concat([header, Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength)]);
  }

  async load(bytes: Buffer, expected: { readonly count: number; readonly dims: number }): Promise<VectorIndex> {
    const { count, dims } = expected;
    if (bytes.length !== 8 + 4 * count * dims || bytes.readUInt32LE(0) !== count || bytes.readUInt32LE(4) !== dims)
      throw new ForyouError('artifact-refused', `these bytes are not ${count} vectors of ${dims} dimensions`);
    const vectors = new Float32Array(count * dims);
    for (let i = 0; i < vectors.length; i++) vectors[i] = bytes.readFloatLE(8 + 4 * i);
    const best = (query: Float32Array, k: number) => {
      const scores = Float32Array.from({ length: count }, (_, i) => {
        let dot = 0;
        for (let d = 0; d < dims; d++) dot += (query[d] as number) * (vectors[i * dims + d] as number);
        return dot;
      });
      const labels = Int32Array.from({ length: count }, (_, i) => i)
        .sort((a, b) => (scores[b] as number) - (scores[a] as number))
        .slice(0, k);
      return { labels, scores: Float32Array.from(labels, (label) => scores[label] as number) };
    };
    return {
      dims,
      count,
      search: async (queries, k) => Array.from({ length: queries.length / dims }, (_, q) => best(queries.subarray(q * dims, (q + 1) * dims), k)),
      async release() {},
    };
  }

  async loadViewers(bytes: Buffer, expected: IndexShape, model: FoldInModel): Promise<ViewerIndex> {
    return withViewers(await this.load(bytes, expected), model);
  }
}
