import { type Outcome, outcomes } from '#schemas/artifacts/ranker.ts';
import { baseFeatureCount, baseFeatures, fillDerived } from '#schemas/features/ranking.ts';
import { featureColumn, outcomeColumn, type TrainingSet } from '#schemas/tables/training-files.ts';
import { impressionsOf, type TrainingPorts } from '../training/sets.ts';
import { featureCount, outcomeCount, type RankingData } from './dataset.ts';

/** What a passed video says nothing of: nobody began to watch it. */
const unknownWhenPassed: readonly Outcome[] = ['earlySkip', 'watchFraction'];

export interface Impressions {
  readonly data: RankingData;
  /** So many rows train, the others validate. */
  readonly cut: number;
  /** What was scored when they were served. */
  readonly score: Float32Array;
}

/** The rows of a set in time order, and the place of the first one that validates. Numbers arrive as numbers. */
export async function readImpressions(ports: Pick<TrainingPorts, 'warehouse' | 'lake'>, set: TrainingSet): Promise<Impressions> {
  const columns = [...baseFeatures.map(featureColumn), ...outcomes.map(outcomeColumn)];
  const bytes = await ports.warehouse.queryBinary(
    `SELECT ${columns.map((c) => `toFloat32(${c})`).join(', ')}, toUInt32(exposure = 'watched'), toUInt32(dense_rank() OVER (ORDER BY user_id)),
     toUInt32(toUnixTimestamp64Milli(served_at) < ${set.cutMs}), score FROM ${impressionsOf(ports, set.parts)} ORDER BY served_at, request_id, position`,
  );
  const copy = new Uint8Array(bytes).buffer;
  const [floats, words] = [new Float32Array(copy), new Uint32Array(copy)];
  const width = columns.length + 4;
  const rows = floats.length / width;
  const data = {
    rows,
    x: new Float32Array(rows * featureCount),
    y: new Float32Array(rows * outcomeCount),
    known: new Float32Array(rows * outcomeCount).fill(1),
  };
  const group: string[] = [];
  const score = new Float32Array(rows);
  let cut = 0;
  for (let r = 0; r < rows; r++) {
    const from = r * width;
    data.x.set(floats.subarray(from, from + baseFeatureCount), r * featureCount);
    fillDerived(data.x, r * featureCount);
    data.y.set(floats.subarray(from + baseFeatureCount, from + columns.length), r * outcomeCount);
    if (words[from + columns.length] === 0) for (const outcome of unknownWhenPassed) data.known[r * outcomeCount + outcomes.indexOf(outcome)] = 0;
    group.push(String(words[from + columns.length + 1]));
    cut += words[from + columns.length + 2] as number;
    score[r] = floats[from + columns.length + 3] as number;
  }
  return { data: { ...data, group }, cut, score };
}
