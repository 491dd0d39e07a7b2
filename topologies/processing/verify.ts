import type { Blobs } from '#infra/blobs/blobs.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { mediaBucket, mediaKeys, quarantine } from '#schemas/media/store.ts';
import { videosErased, videosPublished, videosRejected, videosUploaded } from '#schemas/tables/history.ts';
import type { Outcome } from './outcome.ts';

export interface Mismatch {
  readonly what: string;
  readonly id: string;
  /** What a person does about it. */
  readonly fix: string;
}

/**
 * Holds store, events and history together: nothing lost, nothing left over, nothing ended twice. What is on its way
 * at the moment is left alone: an upload younger than `graceMs` may have come to one place and not to another.
 */
export async function verifyMedia(
  ports: { blobs: Blobs; warehouse: Warehouse },
  nowMs: number,
  graceMs: number,
): Promise<{ checked: number; mismatches: readonly Mismatch[] }> {
  const { blobs, warehouse } = ports;
  const ids = async (table: string, settled = false) => {
    const since = settled ? `WHERE occurred_at < fromUnixTimestamp64Milli(${nowMs - graceMs})` : '';
    return new Set((await warehouse.query<{ video_id: string }>(`SELECT DISTINCT video_id FROM ${table} ${since}`)).map((r) => r.video_id));
  };
  const names = async (bucket: string, prefix: string) => new Set((await blobs.list(bucket, prefix)).map((key) => key.slice(prefix.length)));
  const [uploaded, anyUploaded, published, rejected, erased] = await Promise.all([
    ids(videosUploaded.name, true),
    ids(videosUploaded.name),
    ids(videosPublished.name),
    ids(videosRejected.name),
    ids(videosErased.name),
  ]);
  const [originals, outcomes, held, streams, users] = await Promise.all([
    names(quarantine, mediaKeys.allOriginals),
    names(quarantine, mediaKeys.allOutcomes),
    names(quarantine, mediaKeys.allHeld),
    names(mediaBucket, mediaKeys.allContent),
    names(quarantine, mediaKeys.allUsers),
  ]);
  const mismatches: Mismatch[] = [];
  const say = (what: string, id: string, fix: string) => mismatches.push({ what, id, fix });
  const again = 'look at the lag of video-processing; the log still has the upload';
  for (const id of uploaded) {
    if (!originals.has(id) && !erased.has(id)) say('an upload without its original', id, 'restore the object from a backup of the store');
    const ended = outcomes.has(`${id}.json`);
    if (!ended && !held.has(`${id}.json`)) say('an upload without an end', id, again);
    if (ended && !published.has(id) && !rejected.has(id)) say('an end that history does not know', id, 'look at the lag of the history topologies');
    if (published.has(id) && rejected.has(id)) say('an upload that ended twice', id, 'this is a bug: keep the log');
  }
  for (const id of originals)
    if (!anyUploaded.has(id)) say('an original that no event speaks of', id, 'its creator may complete it again; it is not deleted by itself');
  const used = new Set([...users].map((key) => key.split('/')[0]));
  for (const sha of new Set([...streams].map((key) => key.split('/')[0] as string)))
    if (!used.has(sha)) say('a stream that no video uses', sha, `delete ${mediaKeys.content(sha)} in ${mediaBucket}`);
  for (const name of outcomes) {
    const id = name.replace(/\.json$/, '');
    const body = await blobs.get(quarantine, mediaKeys.outcome(id));
    const outcome = body && (JSON.parse(body.toString()) as Outcome);
    if (outcome?.kind === 'published' && !erased.has(id) && !streams.has(`${outcome.sha256}/master.m3u8`))
      say('a published video without its stream', id, 'publish its original again');
  }
  return { checked: uploaded.size, mismatches };
}
