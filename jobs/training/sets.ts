import { ForyouError } from '#infra/errors.ts';
import type { Lake } from '#infra/warehouse/lake.ts';
import { impressionsStructure, setKey, setPrefix, type TrainingSet, trainingBucket } from '#schemas/tables/training-files.ts';
import type { JobPorts } from '../engine/job.ts';

export interface TrainingPorts extends JobPorts {
  readonly lake: Lake;
  /** What happens later than this after an impression is not an answer to it. */
  readonly horizonMs: number;
}

/** SQL of all impressions of some parts. */
export const impressionsOf = ({ lake }: Pick<TrainingPorts, 'lake'>, parts: readonly string[]): string =>
  lake.location(trainingBucket, parts.length === 1 ? (parts[0] as string) : `{${parts.join(',')}}`, impressionsStructure);

/** The newest set whose key is wanted, null while there is none. */
export async function lastSet({ blobs }: Pick<TrainingPorts, 'blobs'>, wanted: (key: string) => boolean): Promise<TrainingSet | null> {
  const key = (await blobs.list(trainingBucket, setPrefix)).filter(wanted).sort().at(-1);
  const bytes = key === undefined ? null : await blobs.get(trainingBucket, key);
  return bytes && (JSON.parse(bytes.toString()) as TrainingSet);
}

/** The newest set at or before an hour, or an error that says how to make one. */
export async function newestSet(ports: Pick<TrainingPorts, 'blobs'>, hour: Date): Promise<TrainingSet> {
  const set = await lastSet(ports, (key) => key <= setKey(hour));
  if (!set)
    throw new ForyouError('input-invalid', 'there is no training set yet', { fix: 'run foryou job training-set, a horizon after the first feed was watched' });
  return set;
}
