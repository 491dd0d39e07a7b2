import { type ArtifactStore, sha256 } from '#infra/artifacts/store.ts';
import { ForyouError } from '#infra/errors.ts';
import type { VectorIndexes } from '#infra/vectors/vectors.ts';
import { versionAt } from '#schemas/artifacts/manifest.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';
import { Threads } from '../engine/threads.ts';
import { topIndices } from '../vectors/content.ts';
import type { BuildMessage } from './build-worker.ts';

export interface IndexPorts extends JobPorts {
  readonly artifacts: ArtifactStore;
  readonly indexes: VectorIndexes;
  readonly code: string;
}

const settings = { m: 24, efConstruction: 200, ef: 120, seed: 1 };
const margins = { quality: { recall: 0.02 }, counts: { count: 0.2 } };
const recallAt = 50;
const sampleSize = 200;

/** Share of the exact best that the index finds, over user vectors spread through all of them. */
function recallOf(ports: IndexPorts, bytes: Buffer, items: Float32Array, users: Float32Array, dims: number): number {
  const count = items.length / dims;
  const index = ports.indexes.load(bytes, { count, dims, ef: settings.ef });
  const k = Math.min(recallAt, count);
  const queries = Math.min(sampleSize, users.length / dims);
  let found = 0;
  for (let q = 0; q < queries; q++) {
    const from = Math.floor((q * (users.length / dims)) / queries) * dims;
    const query = users.subarray(from, from + dims);
    const exact = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      let dot = 0;
      for (let d = 0; d < dims; d++) dot += (query[d] as number) * (items[i * dims + d] as number);
      exact[i] = dot;
    }
    // By score, not by name: copies of a video share a vector.
    const worst = exact[topIndices(exact, k).at(-1) as number] as number;
    for (const label of index.search(query, k).labels) if ((exact[label] as number) >= worst - 1e-6) found++;
  }
  return queries === 0 ? 1 : found / (queries * k);
}

const floats = (bytes: Buffer): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);

async function build(ports: IndexPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const vectors = await ports.artifacts.running('vectors');
  if (!vectors) throw new ForyouError('input-invalid', 'no vectors serve yet', { fix: 'run foryou job train-vectors first' });
  const { items: count, dims } = vectors.counts as { items: number; dims: number };
  if (run.dryRun) return { rows: count };
  const files = await ports.artifacts.fetch(vectors);
  const items = floats(files['items.f32'] as Buffer);
  run.progress('build index', 0, 2);
  const threads = new Threads(new URL('./build-worker.ts', import.meta.url), 1);
  const message: BuildMessage = { vectors: items, dims, settings };
  const [made] = await threads.all<Uint8Array>(message).finally(() => threads.close());
  const index = Buffer.from(made as Uint8Array);
  run.progress('measure recall', 1, 2);
  const recall = recallOf(ports, index, items, floats(files['users.f32'] as Buffer), dims);
  run.check();
  const { refused } = await ports.artifacts.release(
    {
      kind: 'index',
      version: versionAt(run.hour, run.fence),
      code: ports.code,
      counts: { count, dims },
      quality: { recall },
      made: { ...vectors.made, vectors: vectors.version, metric: 'ip', ef: String(settings.ef), sha256: sha256(index) },
    },
    // All that retrieval needs travels together, so that an answer never mixes two versions of vectors.
    { 'index.hnsw': index, 'items.txt': files['items.txt'] as Buffer, 'items.f32': files['items.f32'] as Buffer, 'eigen.f64': files['eigen.f64'] as Buffer },
    run.fence,
    margins,
  );
  run.progress('measure recall', 2, 2);
  for (const reason of refused) run.progress(`kept, not promoted: ${reason}`, 1, 1);
  return { rows: count, recall, promoted: refused.length === 0 ? 1 : 0 };
}

export const buildIndex: Job<IndexPorts> = {
  name: 'build-index',
  doc: 'Builds the HNSW index over the running video vectors, and measures its recall against exact search.',
  schedule: '15 * * * *',
  inputs: ['artifact:vectors'],
  outputs: ['artifact:index'],
  run: build,
};
