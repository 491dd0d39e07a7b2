import type { ArtifactReader } from '#infra/artifacts/loader.ts';
import { ForyouError } from '#infra/errors.ts';
import type { IndexLoader, VectorIndex } from '#infra/vectors/vectors.ts';
import type { ContentSpace } from '#schemas/media/content-vector.ts';
import { floatsOf, linesOf, placesOf } from './files.ts';
import { NeighbourLists } from './neighbour-lists.ts';

/** One version of what videos look and sound like. */
export interface ContentIndex {
  readonly ids: readonly string[];
  readonly places: ReadonlyMap<string, number>;
  /** count x dims; each of length 1. */
  readonly vectors: Float32Array;
  readonly index: VectorIndex;
  readonly neighbours: NeighbourLists;
  readonly space: ContentSpace;
  /** What described the videos; others have no place here. */
  readonly model: string;
}

export const contentReader = (indexes: IndexLoader): ArtifactReader<ContentIndex> => ({
  kind: 'content',
  async load(files, { counts, made }) {
    const { count, dims, visualDims } = counts as { count: number; dims: number; visualDims: number };
    const ids = linesOf(files['items.txt']);
    const vectors = floatsOf(files['items.f32']);
    const stored = floatsOf(files['space.f32']);
    if (ids.length !== count || vectors.length !== count * dims || stored.length !== 2 * dims || !(visualDims <= dims))
      throw new ForyouError(
        'artifact-refused',
        `${ids.length} ids, ${vectors.length} numbers and a space of ${stored.length} do not make ${count} vectors of ${dims}`,
      );
    const soundDims = dims - visualDims;
    const part = (from: number, length: number) => stored.subarray(from, from + length);
    const space = {
      visual: { mean: part(0, visualDims), spread: part(visualDims, visualDims) },
      sound: { mean: part(2 * visualDims, soundDims), spread: part(2 * visualDims + soundDims, soundDims) },
    };
    const index = await indexes.load(files['content.hnsw'] ?? Buffer.alloc(0), { count, dims, ef: Number(made['ef']) });
    return { ids, places: await placesOf(ids), vectors, index, neighbours: new NeighbourLists(index), space, model: made['model'] ?? '' };
  },
  async canary({ index, vectors }) {
    const [hits] = await index.search(vectors.slice(0, index.dims), 1);
    if (!hits || hits.labels.length === 0 || !hits.scores.every(Number.isFinite))
      throw new ForyouError('artifact-refused', 'the first video does not find itself');
  },
  async dispose({ index }) {
    await index.release();
  },
});
