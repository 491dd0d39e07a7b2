import type { Uploads } from '#infra/blobs/uploads.ts';
import { uploadLimits } from '#schemas/config/media.ts';
import { mediaKeys, quarantine } from '#schemas/media/store.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';

export interface SweepPorts extends JobPorts {
  readonly uploads: Uploads;
  readonly clock: { now(): number };
}

/** What the store keeps of uploads that nobody went on with for a day. A completed one is never touched: its parts are an object. */
async function sweep(ports: SweepPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const { uploads, blobs, clock } = ports;
  const before = clock.now() - uploadLimits.abandonedAfterMs;
  const abandoned = (await uploads.open(quarantine)).filter((upload) => upload.startedAtMs < before);
  for (const [i, upload] of abandoned.entries()) {
    run.progress('abort abandoned uploads', i, abandoned.length);
    run.check();
    if (!run.dryRun) await uploads.abort(quarantine, upload.key, upload.id);
  }
  let records = 0;
  for (const key of await blobs.list(quarantine, mediaKeys.allUploads)) {
    const body = await blobs.get(quarantine, key);
    if (!body || (JSON.parse(body.toString()) as { beganAtMs: number }).beganAtMs >= before) continue;
    records++;
    if (!run.dryRun) await blobs.remove(quarantine, key);
  }
  for (const key of await blobs.list(quarantine, mediaKeys.allCompleted)) {
    if (Number(/(\d+)-[^/]*$/.exec(key)?.[1]) >= before) continue;
    records++;
    if (!run.dryRun) await blobs.remove(quarantine, key);
  }
  return { rows: abandoned.length + records, aborted: abandoned.length, records };
}

export const sweepUploads: Job<SweepPorts> = {
  name: 'sweep-uploads',
  doc: 'aborts uploads that nobody went on with for a day, and forgets their records',
  schedule: '20 * * * *',
  inputs: [`s3:${quarantine}/uploads`],
  outputs: [],
  run: sweep,
};
