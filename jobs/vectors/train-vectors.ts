import type { ArtifactStore } from '#infra/artifacts/store.ts';
import { ForyouError } from '#infra/errors.ts';
import type { MatMul } from '#infra/inference/matmul.ts';
import { versionAt } from '#schemas/artifacts/manifest.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';
import { holdOut } from '../evaluate/hold-out.ts';
import { rankingQuality } from '../evaluate/ranking.ts';
import { byFactors } from '../evaluate/recommenders.ts';
import { type AlsSettings, type Factors, trainAls } from './als.ts';
import { neighboursByContent } from './described-videos.ts';
import { type Matrix, matrixOf } from './matrix.ts';
import type { Neighbours } from './neighbours.ts';
import { readPairs } from './pairs.ts';

export interface VectorPorts extends JobPorts {
  readonly artifacts: ArtifactStore;
  readonly matmul: () => Promise<MatMul>;
  readonly code: string;
}

/** Fixed, because a search per hour would cost more than it brings; `foryou evaluate` searches. */
const settings: AlsSettings = { dims: 64, iterations: 8, alpha: 0.003, reg: 0.3, nu: 0.5, content: 0, seed: 1 };
const margins = { quality: { ndcg: 0.25 }, counts: { items: 0.2, users: 0.2 } };
const k = 20;
const fewest = 10;

/** How much items lean on those that look and sound like them, where that is known: which of these measures best. */
const leanings = [0, 0.8];
/** Less than this is noise. */
const worthwhile = 1.02;

/** The leaning with the best NDCG on a part of the lists that was kept apart, and that NDCG. */
export async function bestLeaning(matmul: MatMul, matrix: Matrix, neighbours: Neighbours | undefined): Promise<{ content: number; ndcg: number }> {
  let best = { content: 0, ndcg: -1 };
  for (const content of neighbours ? leanings : [0]) {
    const ndcg = await measured(matmul, matrix, { ...settings, content }, neighbours);
    if (ndcg > worthwhile * best.ndcg || best.ndcg < 0) best = { content, ndcg };
  }
  return best;
}

/** NDCG on a tenth of each user's list that was kept apart: the measure that the gate looks at. */
async function measured(matmul: MatMul, matrix: Matrix, chosen: AlsSettings, neighbours: Neighbours | undefined): Promise<number> {
  const { train, cases } = holdOut({ users: matrix.rows, items: matrix.columns, start: matrix.start, item: matrix.column, ordered: false }, 7);
  if (cases.length === 0) return 0;
  const factors = await trainAls(kept(matrix, train), chosen, { neighbours });
  const has = (user: number) => train.item.subarray(train.start[user], train.start[user + 1]);
  return (await rankingQuality(byFactors(matmul, factors), cases, has, matrix.columns, k)).ndcg;
}

/** The entries of a matrix that a hold-out left, with their weights. */
function kept(m: Matrix, train: { start: Int32Array; item: Int32Array }): Matrix {
  const row = new Int32Array(train.item.length);
  const weight = new Float32Array(train.item.length);
  for (let u = 0; u < m.rows; u++) {
    let at = m.start[u] as number;
    for (let i = train.start[u] as number; i < (train.start[u + 1] as number); i++) {
      while (m.column[at] !== train.item[i]) at++;
      row[i] = u;
      weight[i] = m.weight[at] as number;
    }
  }
  return matrixOf(m.rows, m.columns, row, train.item, weight);
}

/** What a version of vectors consists of. */
export const vectorFiles = (f: Factors, users: readonly string[], items: readonly string[]) => ({
  'users.txt': Buffer.from(users.join('\n')),
  'items.txt': Buffer.from(items.join('\n')),
  'users.f32': Buffer.from(f.users.slice().buffer),
  'items.f32': Buffer.from(f.items.slice().buffer),
  'eigen.f64': Buffer.from(f.eigen.slice().buffer),
});

async function leaningOf(ports: VectorPorts, items: readonly string[], matrix: Matrix, end: Date) {
  const matmul = await ports.matmul();
  try {
    const neighbours = await neighboursByContent(ports.warehouse, items, end, matmul);
    return { neighbours, ...(await bestLeaning(matmul, matrix, neighbours)) };
  } finally {
    await matmul.release();
  }
}

async function train(ports: VectorPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const end = new Date(run.hour.getTime() + 3_600_000);
  const { users, items, matrix } = await readPairs(ports.warehouse, end, 'scratch_train_vectors');
  const sizes = { rows: matrix.column.length, users: users.length, items: items.length };
  if (run.dryRun) return sizes;
  if (items.length < fewest || users.length < fewest)
    throw new ForyouError('input-invalid', `history holds ${users.length} users and ${items.length} videos with a good answer`, {
      fix: `let viewers watch first: at least ${fewest} of each are needed`,
    });
  const { neighbours, content, ndcg } = await leaningOf(ports, items, matrix, end);
  const progress = (done: number, total: number) => run.progress('train vectors', done, total);
  const factors = await trainAls(matrix, { ...settings, content }, { neighbours, progress });
  run.check();
  const { refused } = await ports.artifacts.release(
    {
      kind: 'vectors',
      version: versionAt(run.hour, run.fence),
      code: ports.code,
      counts: { users: users.length, items: items.length, dims: settings.dims, interactions: matrix.column.length },
      quality: { ndcg },
      made: { hour: run.hour.toISOString(), content: String(content), alpha: String(settings.alpha), reg: String(settings.reg), nu: String(settings.nu) },
    },
    vectorFiles(factors, users, items),
    run.fence,
    margins,
  );
  for (const reason of refused) run.progress(`kept, not promoted: ${reason}`, 1, 1);
  return { ...sizes, ndcg, content, promoted: refused.length === 0 ? 1 : 0 };
}

export const trainVectors: Job<VectorPorts> = {
  name: 'train-vectors',
  doc: 'Learns user and video vectors from what viewers answered well (implicit ALS).',
  schedule: '10 * * * *',
  inputs: ['engagements'],
  outputs: ['artifact:vectors'],
  run: train,
};
