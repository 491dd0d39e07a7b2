import type { ArtifactStore } from '#infra/artifacts/store.ts';
import { artifactBucket, artifactKinds } from '#schemas/artifacts/manifest.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';

export interface SweepArtifactsPorts extends JobPorts {
  readonly artifacts: ArtifactStore;
}

/** Versions stay this long after a later one was made; some stay however old they are. */
const keptMs = 2 * 86_400_000;
const keptAlways = 3;

/**
 * Removes versions that nobody goes back to: an index an hour fills any disk, and what a deleted video looked like
 * must end somewhere. The running one, the one before it and the newest stay.
 */
async function sweep({ artifacts }: SweepArtifactsPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const before = run.hour.getTime() + 3_600_000 - keptMs;
  let [versions, removed] = [0, 0];
  for (const [i, kind] of artifactKinds.entries()) {
    const pointer = await artifacts.pointer(kind);
    const serving = new Set([pointer?.version, pointer?.previous]);
    const all = await artifacts.versions(kind);
    versions += all.length;
    for (const { version, madeAtMs } of all.slice(0, -keptAlways)) {
      if (serving.has(version) || madeAtMs >= before) continue;
      run.check();
      if (!run.dryRun) await artifacts.remove(kind, version);
      removed++;
    }
    run.progress('remove old versions', i + 1, artifactKinds.length);
  }
  return { rows: versions, removed };
}

export const sweepArtifacts: Job<SweepArtifactsPorts> = {
  name: 'sweep-artifacts',
  doc: 'Removes versions of artifacts that are two days old and that nobody would go back to.',
  schedule: '55 * * * *',
  inputs: [`s3:${artifactBucket}`],
  outputs: [],
  run: sweep,
};
