import type { ArtifactReader } from '#infra/artifacts/loader.ts';
import { ForyouError } from '#infra/errors.ts';
import { FoldIn } from '#infra/vectors/fold-in.ts';
import type { VectorIndex, VectorIndexes } from '#infra/vectors/vectors.ts';

/** One version of everything that retrieval by vectors needs. */
export interface Retrieval {
  readonly ids: readonly string[];
  /** Place of a video among the vectors. */
  readonly places: ReadonlyMap<string, number>;
  /** count x dims, row-major, and the length of each row. */
  readonly items: Float32Array;
  readonly norms: Float32Array;
  readonly index: VectorIndex;
  readonly foldIn: FoldIn;
}

const floats = (bytes: Buffer | undefined): Float32Array => new Float32Array(new Uint8Array(bytes ?? []).buffer);

function lengths(items: Float32Array, dims: number): Float32Array {
  const norms = new Float32Array(items.length / dims);
  for (let i = 0; i < norms.length; i++) {
    let sum = 0;
    for (let d = i * dims; d < (i + 1) * dims; d++) sum += (items[d] as number) ** 2;
    norms[i] = Math.sqrt(sum);
  }
  return norms;
}

/** Turns an index artifact into one that answers; the canary is a viewer of one video, who must find something. */
export const indexReader = (indexes: VectorIndexes): ArtifactReader<Retrieval> => ({
  kind: 'index',
  async load(files, { counts, made }) {
    const { count, dims } = counts as { count: number; dims: number };
    const ids = (files['items.txt']?.toString() ?? '').split('\n');
    const items = floats(files['items.f32']);
    if (ids.length !== count || items.length !== count * dims)
      throw new ForyouError('artifact-refused', `${ids.length} ids and ${items.length} numbers do not make ${count} vectors of ${dims} dimensions`);
    const index = indexes.load(files['index.hnsw'] ?? Buffer.alloc(0), { count, dims, ef: Number(made['ef']) });
    const eigen = new Float64Array(new Uint8Array(files['eigen.f64'] ?? []).buffer);
    const [alpha, reg, nu] = [Number(made['alpha']), Number(made['reg']), Number(made['nu'])];
    if (eigen.length !== dims || ![alpha, reg, nu].every(Number.isFinite))
      throw new ForyouError('artifact-refused', 'the settings for folding a viewer in are missing');
    const places = new Map(ids.map((id, i) => [id, i]));
    return { ids, places, items, norms: lengths(items, dims), index, foldIn: new FoldIn({ dims, items, eigen, alpha, reg, nu }) };
  },
  async canary({ index, foldIn }) {
    const vector = foldIn.user(Int32Array.of(0), Float32Array.of(1));
    const { labels, scores } = index.search(vector, Math.min(10, index.count));
    if (labels.length === 0 || !scores.every(Number.isFinite)) throw new ForyouError('artifact-refused', 'the canary viewer finds nothing');
  },
  async dispose() {},
});
