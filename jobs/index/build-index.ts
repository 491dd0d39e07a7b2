import { type ArtifactFiles, type ArtifactStore, sha256 } from '#infra/artifacts/store.ts';
import { ForyouError } from '#infra/errors.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { type ArtifactManifest, versionAt } from '#schemas/artifacts/manifest.ts';
import { videosPublished } from '#schemas/tables/history.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';
import { Threads } from '../engine/threads.ts';
import { ItemFoldIn } from '../vectors/item-fold-in.ts';
import { answersSql } from '../vectors/pairs.ts';
import type { BuildMessage, Built } from './build-worker.ts';

export interface IndexPorts extends JobPorts {
  readonly artifacts: ArtifactStore;
  readonly code: string;
}

export const indexSettings = { m: 24, efConstruction: 200, ef: 120, seed: 1 };
export const indexMargins = { quality: { recall: 0.02 }, counts: { count: 0.2 } };
const recallAt = 50;
const sampleSize = 200;

const floats = (bytes: Buffer | undefined): Float32Array => new Float32Array(new Uint8Array(bytes ?? []).buffer);
const lines = (bytes: Buffer | undefined): string[] => (bytes?.toString() ?? '').split('\n');

export type { Built };

/** Builds and measures in a thread of its own; `queries` are the vectors that recall is measured on, a sample of them. */
export async function buildHnsw({ vectors, dims, queries }: Pick<BuildMessage, 'vectors' | 'dims' | 'queries'>): Promise<Built> {
  const threads = new Threads(new URL('./build-worker.ts', import.meta.url), 1);
  const message: BuildMessage = { vectors, dims, settings: indexSettings, queries: sample(queries, dims), k: Math.min(recallAt, vectors.length / dims) };
  const [made] = await threads.all<Built>(message).finally(() => threads.close());
  return made as Built;
}

/** Vectors spread through all of them. */
function sample(vectors: Float32Array, dims: number): Float32Array {
  const count = vectors.length / dims;
  const queries = Math.min(sampleSize, count);
  const out = new Float32Array(queries * dims);
  for (let q = 0; q < queries; q++) {
    const from = Math.floor((q * count) / queries) * dims;
    out.set(vectors.subarray(from, from + dims), q * dims);
  }
  return out;
}

interface Items {
  readonly ids: readonly string[];
  readonly vectors: Float32Array;
}

/** Videos that were published since the vectors were trained, folded in from those who have answered them well. */
async function newVideos(warehouse: Warehouse, vectors: ArtifactManifest, files: ArtifactFiles, run: JobRun): Promise<Items> {
  const { dims } = vectors.counts as { dims: number };
  const known = new Set(lines(files['items.txt']));
  const trainedAt = new Date(vectors.made['hour'] ?? 0);
  const rows = await warehouse.query<{ video: string; users: string[]; weights: number[] }>(
    `SELECT video_id AS video, groupArray(user_id) AS users, groupArray(weight) AS weights FROM (${answersSql(new Date(run.hour.getTime() + 3_600_000))})
     WHERE video_id IN (SELECT video_id FROM ${videosPublished.name} WHERE occurred_at >= fromUnixTimestamp64Milli(${trainedAt.getTime()})) GROUP BY video_id ORDER BY video_id`,
  );
  const fresh = rows.filter((row) => !known.has(row.video));
  if (fresh.length === 0) return { ids: [], vectors: new Float32Array(0) };
  const places = new Map(lines(files['users.txt']).map((id, i) => [id, i]));
  const [alpha, reg, nu] = ['alpha', 'reg', 'nu'].map((name) => Number(vectors.made[name])) as [number, number, number];
  const foldIn = new ItemFoldIn({ dims, users: floats(files['users.f32']), alpha, reg, nu });
  const made = fresh.flatMap(({ video, users, weights }) => {
    const at = users.flatMap((user, i) => (places.has(user) ? [[places.get(user) as number, weights[i] as number] as const] : []));
    if (at.length === 0) return [];
    return [
      {
        video,
        vector: foldIn.item(
          Int32Array.from(at, (a) => a[0]),
          Float32Array.from(at, (a) => a[1]),
        ),
      },
    ];
  });
  const all = new Float32Array(made.length * dims);
  made.forEach(({ vector }, i) => {
    all.set(vector, i * dims);
  });
  return { ids: made.map((m) => m.video), vectors: all };
}

/** Mean vector of the videos of each topic, for videos that nobody has answered yet. */
async function topicMeans(
  warehouse: Warehouse,
  ids: readonly string[],
  items: Float32Array,
  dims: number,
): Promise<{ names: string[]; vectors: Float32Array }> {
  const places = new Map(ids.map((id, i) => [id, i]));
  const rows = await warehouse.query<{ topic: string; videos: string[] }>(
    `SELECT topic, groupUniqArray(video_id) AS videos FROM ${videosPublished.name} ARRAY JOIN topics AS topic WHERE topic != '' GROUP BY topic ORDER BY topic`,
  );
  const names: string[] = [];
  const vectors = new Float32Array(rows.length * dims);
  for (const { topic, videos } of rows) {
    const at = videos.flatMap((video) => places.get(video) ?? []);
    if (at.length === 0) continue;
    const into = names.push(topic) * dims - dims;
    for (const place of at) for (let d = 0; d < dims; d++) vectors[into + d] = (vectors[into + d] as number) + (items[place * dims + d] as number) / at.length;
  }
  return { names, vectors: vectors.slice(0, names.length * dims) };
}

async function build(ports: IndexPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const vectors = await ports.artifacts.running('vectors');
  if (!vectors) throw new ForyouError('input-invalid', 'no vectors serve yet', { fix: 'run foryou job train-vectors first' });
  const { items: trained, dims } = vectors.counts as { items: number; dims: number };
  if (run.dryRun) return { rows: trained };
  const files = await ports.artifacts.fetch(vectors);
  const fresh = await newVideos(ports.warehouse, vectors, files, run);
  const count = trained + fresh.ids.length;
  const items = new Float32Array(count * dims);
  items.set(floats(files['items.f32']));
  items.set(fresh.vectors, trained * dims);
  run.progress('build index', 0, 1);
  const { index: bytes, recall } = await buildHnsw({ vectors: items, dims, queries: floats(files['users.f32']) });
  const index = Buffer.from(bytes);
  const ids = [...lines(files['items.txt']), ...fresh.ids];
  const topics = await topicMeans(ports.warehouse, ids, items, dims);
  run.progress('build index', 1, 1);
  run.check();
  const { refused } = await ports.artifacts.release(
    {
      kind: 'index',
      version: versionAt(run.hour, run.fence),
      code: ports.code,
      counts: { count, dims, foldedIn: fresh.ids.length },
      quality: { recall },
      made: { ...vectors.made, vectors: vectors.version, metric: 'ip', ef: String(indexSettings.ef), sha256: sha256(index) },
    },
    // All that retrieval needs travels together, so that an answer never mixes two versions of vectors.
    {
      'index.hnsw': index,
      'items.txt': Buffer.from(ids.join('\n')),
      'topics.txt': Buffer.from(topics.names.join('\n')),
      'topics.f32': Buffer.from(topics.vectors.buffer),
      'items.f32': Buffer.from(items.buffer),
      'eigen.f64': files['eigen.f64'] as Buffer,
    },
    run.fence,
    indexMargins,
  );
  for (const reason of refused) run.progress(`kept, not promoted: ${reason}`, 1, 1);
  return { rows: count, foldedIn: fresh.ids.length, recall, promoted: refused.length === 0 ? 1 : 0 };
}

export const buildIndex: Job<IndexPorts> = {
  name: 'build-index',
  doc: 'Builds the HNSW index over the running video vectors and those of newer videos, and measures its recall against exact search.',
  schedule: '15 * * * *',
  inputs: ['artifact:vectors', 'engagements', videosPublished.name],
  outputs: ['artifact:index'],
  run: build,
};
