import { setImmediate } from 'node:timers/promises';
import type { ArtifactReader } from '#infra/artifacts/loader.ts';
import type { ArtifactFiles } from '#infra/artifacts/store.ts';
import { ForyouError } from '#infra/errors.ts';
import { FoldIn } from '#infra/vectors/fold-in.ts';
import type { IndexLoader, ViewerIndex } from '#infra/vectors/vectors.ts';
import { unit } from './directions.ts';
import { floatsOf, linesOf, piece, placesOf } from './files.ts';
import { NeighbourLists } from './neighbour-lists.ts';

/** One version of everything that retrieval by vectors needs. */
export interface Retrieval {
  readonly ids: readonly string[];
  /** Place of a video among the vectors. */
  readonly places: ReadonlyMap<string, number>;
  /** count x dims, row-major. */
  readonly items: Float32Array;
  /** The same vectors at length `unit` in whole numbers: a cosine is out by some thousandths, and a vector is one line of the cache. */
  readonly directions: Int8Array;
  /** It knows where a viewer stands, too. */
  readonly index: ViewerIndex;
  readonly neighbours: NeighbourLists;
  /** The same in this thread. */
  readonly foldIn: FoldIn;
  /** Mean vector of the videos of each topic: what is known of a video that nobody has answered yet. */
  readonly topics: ReadonlyMap<string, Float32Array>;
}

/** The vectors and their directions, where threads see them too. */
async function placed(vectors: Float32Array, dims: number): Promise<{ items: Float32Array; directions: Int8Array }> {
  const items = new Float32Array(new SharedArrayBuffer(vectors.byteLength));
  const directions = new Int8Array(new SharedArrayBuffer(items.length));
  for (let i = 0; i < items.length / dims; i++) {
    if (i % piece === 0) items.set(vectors.subarray(i * dims, (i + piece) * dims), i * dims);
    let sum = 0;
    for (let d = i * dims; d < (i + 1) * dims; d++) sum += (items[d] as number) ** 2;
    const scale = sum > 0 ? unit / Math.sqrt(sum) : 0;
    for (let d = i * dims; d < (i + 1) * dims; d++) directions[d] = Math.round((items[d] as number) * scale);
    if (i % piece === piece - 1) await setImmediate();
  }
  return { items, directions };
}

function topicsOf(files: ArtifactFiles, dims: number): Map<string, Float32Array> {
  const vectors = floatsOf(files['topics.f32']);
  return new Map(linesOf(files['topics.txt']).map((topic, i) => [topic, vectors.subarray(i * dims, (i + 1) * dims)]));
}

/** Turns an index artifact into one that answers; the canary is a viewer of one video, who must find something. */
export const indexReader = (indexes: IndexLoader): ArtifactReader<Retrieval> => ({
  kind: 'index',
  async load(files, { counts, made }) {
    const { count, dims } = counts as { count: number; dims: number };
    const ids = linesOf(files['items.txt']);
    const vectors = floatsOf(files['items.f32']);
    if (ids.length !== count || vectors.length !== count * dims)
      throw new ForyouError('artifact-refused', `${ids.length} ids and ${vectors.length} numbers do not make ${count} vectors of ${dims} dimensions`);
    const eigen = new Float64Array(new Uint8Array(files['eigen.f64'] ?? []).buffer);
    const [alpha, reg, nu] = [Number(made['alpha']), Number(made['reg']), Number(made['nu'])];
    if (eigen.length !== dims || ![alpha, reg, nu].every(Number.isFinite))
      throw new ForyouError('artifact-refused', 'the settings for folding a viewer in are missing');
    const places = await placesOf(ids);
    const { items, directions } = await placed(vectors, dims);
    const shape = { count, dims, ef: Number(made['ef']) };
    const model = { dims, items, eigen, alpha, reg, nu };
    const index = await indexes.loadViewers(files['index.hnsw'] ?? Buffer.alloc(0), shape, model);
    return { ids, places, items, directions, index, neighbours: new NeighbourLists(index), foldIn: new FoldIn(model), topics: topicsOf(files, dims) };
  },
  async canary({ index }) {
    const { hits } = await index.locate({ labels: Int32Array.of(0), weights: Float32Array.of(1) }, Math.min(10, index.count));
    if (hits.labels.length === 0 || !hits.scores.every(Number.isFinite)) throw new ForyouError('artifact-refused', 'the canary viewer finds nothing');
  },
  async dispose({ index }) {
    await index.release();
  },
});
