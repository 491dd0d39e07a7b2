import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import hnswlib from 'hnswlib-node';
import { ForyouError } from '../errors.ts';
import { withViewers } from './fold-in.ts';
import type { FoldInModel, IndexBuilder, IndexLoader, IndexSettings, IndexShape, VectorIndex, ViewerIndex } from './vectors.ts';

/** hnswlib, whose index is a file: it is written to and read from a folder of its own, in a fresh object each time. */
export class HnswIndexes implements IndexBuilder, IndexLoader {
  build(vectors: Float32Array, dims: number, { m, efConstruction, seed }: IndexSettings): Buffer {
    const count = vectors.length / dims;
    const index = new hnswlib.HierarchicalNSW('ip', dims);
    index.initIndex({ maxElements: Math.max(1, count), m, efConstruction, randomSeed: seed });
    for (let i = 0; i < count; i++) index.addPoint(Array.from(vectors.subarray(i * dims, (i + 1) * dims)), i);
    return inFolder((file) => {
      index.writeIndexSync(file);
      return readFileSync(file);
    });
  }

  async load(bytes: Buffer, expected: IndexShape): Promise<VectorIndex> {
    const { count, dims, ef } = expected;
    const index = new hnswlib.HierarchicalNSW('ip', dims);
    // The header says how many vectors there are and how wide one is; reading past it with another width crashes the process.
    const stored = headerOf(bytes);
    if (stored.count !== count || stored.dims !== dims)
      throw new ForyouError('artifact-refused', `the index holds ${stored.count} vectors of ${stored.dims} dimensions, ${count} of ${dims} were expected`);
    try {
      inFolder((file) => {
        writeFileSync(file, bytes);
        index.readIndexSync(file);
      });
    } catch (cause) {
      throw new ForyouError('artifact-refused', `hnswlib cannot read the index: ${(cause as Error).message}`, { cause });
    }
    index.setEf(ef);
    return {
      dims,
      count,
      async search(queries, k) {
        return Array.from({ length: queries.length / dims }, (_, q) => {
          const { neighbors, distances } = index.searchKnn(Array.from(queries.subarray(q * dims, (q + 1) * dims)), Math.min(k, count));
          // hnswlib's inner-product distance is 1 minus the product.
          return { labels: Int32Array.from(neighbors), scores: Float32Array.from(distances, (d) => 1 - d) };
        });
      },
      async release() {},
    };
  }

  async loadViewers(bytes: Buffer, expected: IndexShape, model: FoldInModel): Promise<ViewerIndex> {
    return withViewers(await this.load(bytes, expected), model);
  }
}

/**
 * hnswlib's file begins with sizes (hnswalg.h, saveIndex): offset of level 0, capacity, count, bytes
 * per element, offset of the label, offset of the vector; the vector lies between these last two.
 */
function headerOf(bytes: Buffer): { count: number; dims: number } {
  if (bytes.length < 48) return { count: 0, dims: 0 };
  const word = (i: number) => Number(bytes.readBigUInt64LE(8 * i));
  return { count: word(2), dims: (word(4) - word(5)) / 4 };
}

function inFolder<T>(work: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'foryou-index-'));
  try {
    return work(join(folder, 'index'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
