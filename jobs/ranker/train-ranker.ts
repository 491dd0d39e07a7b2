import type { ArtifactStore } from '#infra/artifacts/store.ts';
import { ForyouError } from '#infra/errors.ts';
import type { Inference } from '#infra/inference/inference.ts';
import { RowModel } from '#infra/inference/row-model.ts';
import { versionAt } from '#schemas/artifacts/manifest.ts';
import { outcomes, preRankerFile, rankerFile } from '#schemas/artifacts/ranker.ts';
import { featureVersion, rankingFeatures } from '#schemas/features/ranking.ts';
import { setKey } from '#schemas/tables/training-files.ts';
import type { Job, JobRun } from '../engine/job.ts';
import { newestSet, type TrainingPorts } from '../training/sets.ts';
import { featureCount, slice } from './dataset.ts';
import { fitRanker, thirds } from './fit.ts';
import { type Impressions, readImpressions } from './impressions.ts';
import { gainOver, meanAuc, predictAll, qualityOf, type RankerQuality } from './quality.ts';

export interface RankerPorts extends TrainingPorts {
  readonly artifacts: ArtifactStore;
  readonly inference: Inference;
  readonly code: string;
}

const margins = { quality: { auc: 0.05 }, counts: {} };
/** So much worse than what served may a ranker order what was served: a little, and what is noise on so many measured rows. */
const leastGain = (measured: number): number => -(0.02 + 1 / Math.sqrt(measured));
const fewestRows = 400;

const finite = (values: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));

/** Measures by name, for the manifest and the run's row. */
function measures(quality: RankerQuality): Record<string, number> {
  const byOutcome = Object.entries(quality).flatMap(([o, q]): [string, number][] => [
    [`auc_${o}`, q.auc],
    [`gauc_${o}`, q.groupAuc],
    [`calibration_${o}`, q.calibrationError],
  ]);
  return finite({ auc: meanAuc(quality), ...Object.fromEntries(byOutcome) });
}

async function dataOf(ports: RankerPorts, hour: Date): Promise<Impressions & { set: string }> {
  const set = await newestSet(ports, hour);
  const impressions = await readImpressions(ports, set);
  const { data } = impressions;
  if (data.rows < fewestRows)
    throw new ForyouError('input-invalid', `the training set holds ${data.rows} impressions`, {
      fix: `let viewers watch first: at least ${fewestRows} are needed`,
    });
  return { ...impressions, set: setKey(new Date(set.hour)) };
}

async function release(
  ports: RankerPorts,
  run: Pick<JobRun, 'hour' | 'fence'>,
  files: Record<string, Buffer>,
  about: { rows: number; measured: number; quality: RankerQuality; gain: number; made: Record<string, string> },
) {
  return ports.artifacts.release(
    {
      kind: 'ranker',
      version: versionAt(run.hour, run.fence),
      code: ports.code,
      counts: { features: featureCount, outcomes: outcomes.length, rows: about.rows },
      quality: { ...measures(about.quality), gain: about.gain },
      made: { ...about.made, features: featureVersion },
    },
    files,
    run.fence,
    { ...margins, least: { gain: leastGain(about.measured) } },
  );
}

async function train(ports: RankerPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const { data, cut, score, set } = await dataOf(ports, run.hour);
  if (run.dryRun) return { rows: data.rows, train: cut };
  const cuts = thirds(data.rows, cut);
  const fitted = await fitRanker(ports.inference, data, cuts, { progress: run.progress });
  run.check();
  const gain = gainOver(score.subarray(cuts.calibrate), fitted.predictions, slice(data, cuts.calibrate, data.rows), data.rows);
  const about = {
    rows: data.rows,
    measured: data.rows - cuts.calibrate,
    quality: fitted.quality,
    gain,
    made: { set, hour: run.hour.toISOString(), epochs: String(fitted.epochs) },
  };
  const { refused } = await release(ports, run, { [rankerFile]: fitted.ranker, [preRankerFile]: fitted.preRanker }, about);
  for (const reason of refused) run.progress(`kept, not promoted: ${reason}`, 1, 1);
  return { rows: data.rows, ...measures(fitted.quality), gain, preRankerAgreement: fitted.preRankerAgreement, promoted: refused.length === 0 ? 1 : 0 };
}

export const trainRanker: Job<RankerPorts> = {
  name: 'train-ranker',
  doc: 'Learns the ranker and its pre-ranker from the newest training set, and measures them on its last impressions.',
  schedule: '50 * * * *',
  inputs: ['s3:foryou-training/sets'],
  outputs: ['artifact:ranker'],
  run: train,
};

/**
 * A model made elsewhere, after the same checks as our own: its inputs must be known features, its
 * predictions numbers, and its AUC on the newest set's last impressions is held against the running one's.
 */
export async function addRanker(
  ports: RankerPorts,
  bytes: Buffer,
  run: Pick<JobRun, 'hour' | 'fence'>,
): Promise<{ version: string; quality: RankerQuality; refused: readonly string[] }> {
  const model = await RowModel.load(ports.inference, bytes, { known: rankingFeatures, predicted: outcomes });
  try {
    const { data, cut, score, set } = await dataOf(ports, run.hour);
    const measured = slice(data, thirds(data.rows, cut).calibrate, data.rows);
    const predictions = await predictAll(model, measured);
    const quality = qualityOf(predictions, measured);
    const gain = gainOver(score.subarray(thirds(data.rows, cut).calibrate), predictions, measured, data.rows);
    const { manifest, refused } = await release(
      ports,
      run,
      { [rankerFile]: bytes },
      { rows: data.rows, measured: measured.rows, quality, gain, made: { set, from: 'elsewhere' } },
    );
    return { version: manifest.version, quality, refused };
  } finally {
    await model.release();
  }
}
