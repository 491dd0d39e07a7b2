import type { ArtifactReader } from '#infra/artifacts/loader.ts';
import { ForyouError } from '#infra/errors.ts';
import { rowsOf } from '#infra/inference/row-model.ts';
import { preRankerFile, rankerFile } from '#schemas/artifacts/ranker.ts';
import { rankingFeatures } from '#schemas/features/ranking.ts';
import type { Ranker, RankerLoader } from './ranker.ts';

/** Turns a ranker artifact into one that answers; the canary rows must get predictions that are numbers. */
export const rankerReader = (rankers: RankerLoader): ArtifactReader<Ranker> => ({
  kind: 'ranker',
  async load(files) {
    const model = files[rankerFile];
    if (!model) throw new ForyouError('artifact-refused', `${rankerFile} is missing`);
    return rankers.load(model, files[preRankerFile] ?? null);
  },
  canary: (ranker) => ranker.check(rowsOf([new Float32Array(rankingFeatures.length), new Float32Array(rankingFeatures.length).fill(1)])),
  dispose: (ranker) => ranker.release(),
});
