import type { ArtifactReader } from '#infra/artifacts/loader.ts';
import type { ArtifactFiles } from '#infra/artifacts/store.ts';
import { ForyouError } from '#infra/errors.ts';
import type { Inference } from '#infra/inference/inference.ts';
import { RowModel, rowsOf } from '#infra/inference/row-model.ts';
import { outcomes, outcomeWeights, preRankerFile, preRankValue, rankerFile } from '#schemas/artifacts/ranker.ts';
import { rankingFeatures } from '#schemas/features/ranking.ts';

/** One version of the ranker, with the small model that chooses what it looks at. */
export interface Ranker {
  readonly model: RowModel;
  readonly preRanker: RowModel | null;
}

/** Expected worth of each row, from what was predicted: by the weights of the outcomes, negatives included. */
export function worthOf(predicted: Readonly<Record<string, Float32Array>>, rows: number): Float64Array {
  const worth = new Float64Array(rows);
  for (const outcome of outcomes) {
    const column = predicted[outcome];
    if (column) for (let i = 0; i < worth.length; i++) worth[i] = (worth[i] as number) + outcomeWeights[outcome] * (column[i] as number);
  }
  return worth;
}

async function readModel(inference: Inference, files: ArtifactFiles, name: string, predicted: readonly string[]): Promise<RowModel> {
  const bytes = files[name];
  if (!bytes) throw new ForyouError('artifact-refused', `${name} is missing`);
  return RowModel.load(inference, bytes, { known: rankingFeatures, predicted });
}

/** Turns a ranker artifact into one that answers; the canary rows must get predictions that are numbers. */
export const rankerReader = (inference: Inference): ArtifactReader<Ranker> => ({
  kind: 'ranker',
  async load(files) {
    return {
      model: await readModel(inference, files, rankerFile, outcomes),
      preRanker: files[preRankerFile] ? await readModel(inference, files, preRankerFile, [preRankValue]) : null,
    };
  },
  async canary({ model, preRanker }) {
    const rows = [new Float32Array(rankingFeatures.length), new Float32Array(rankingFeatures.length).fill(1)];
    for (const one of [model, preRanker]) await one?.predict(rowsOf(rows));
  },
  async dispose({ model, preRanker }) {
    await model.release();
    await preRanker?.release();
  },
});
