import type { Blobs } from '#infra/blobs/blobs.ts';
import type { Clock } from '#infra/clock/clock.ts';
import { ForyouError } from '#infra/errors.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { videoErased } from '#schemas/events/video-erased.ts';
import { type VideoRemoved, videoRemoved } from '#schemas/events/video-removed.ts';
import { mediaBucket, mediaKeys, quarantine } from '#schemas/media/store.ts';
import { videosPublished, videosUploaded } from '#schemas/tables/history.ts';
import { drop, ok, step, steps } from '../engine/steps.ts';
import { type Topology, topology, work } from '../engine/topology.ts';
import { dedupe } from '../steps/dedupe.ts';
import { hasIds } from '../steps/ids.ts';
import { inTime } from '../steps/times.ts';
import { readOutcome } from './results.ts';

/** What moderation took away may have to come back; what its creator withdrew is deleted. */
const byCreator = step<VideoRemoved>('byCreator', (e) => (e.reason === 'creator' ? ok : drop('not-of-its-creator')));
/** Tables that hold a creator's words. */
const wordTables = [videosUploaded.name, videosPublished.name];

/** Deletes what a creator withdrew: the original, what was made of it, and its words; then says so. */
export function erasureTopology(ports: { blobs: Blobs; warehouse: Warehouse; producer: EventProducer; clock: Clock }): Topology {
  const { blobs, warehouse, producer, clock } = ports;
  return topology('video-erasure', {
    source: videoRemoved,
    steps: steps(hasIds('eventId', 'videoId'), inTime, dedupe, byCreator),
    sink: work<VideoRemoved>({
      concurrency: 1,
      owner: (removed) => removed.videoId,
      cost: () => 1,
      async run({ videoId }, _signal, at) {
        const outcome = await readOutcome(blobs, videoId);
        if (!outcome && (await blobs.list(quarantine, mediaKeys.original(videoId))).length > 0)
          throw new ForyouError('unavailable', `${videoId} is still being processed: it is erased when it has ended`);
        await at('W3');
        const { objects, shared } = await eraseObjects(blobs, videoId, outcome?.sha256 ?? '');
        const rows = await eraseWords(warehouse, videoId);
        await warehouse.command(`ALTER TABLE picture_hashes DELETE WHERE video_id = '${named(videoId)}' SETTINGS mutations_sync = 2`);
        // The end stays, without words: the upload must not be processed again.
        if (outcome) await blobs.put(quarantine, mediaKeys.outcome(videoId), Buffer.from(JSON.stringify({ ...outcome, event: wordless(outcome.event) })));
        await at('W4');
        await producer.send(videoErased, [{ eventId: `${videoId}/erased`, videoId, occurredAt: clock.now(), objects, rows, shared }]);
      },
    }),
  });
}

const wordless = (event: object): object => ({ ...event, ...('caption' in event ? { caption: '', topics: [] } : {}) });

async function eraseObjects(blobs: Blobs, videoId: string, sha256: string): Promise<{ objects: number; shared: number }> {
  let objects = 0;
  const removeAll = async (bucket: string, prefix: string) => {
    for (const key of await blobs.list(bucket, prefix)) {
      await blobs.remove(bucket, key);
      objects++;
    }
  };
  for (const prefix of [mediaKeys.original(videoId), mediaKeys.videoResults(videoId), mediaKeys.held(videoId)]) await removeAll(quarantine, prefix);
  if (sha256 === '') return { objects, shared: 0 };
  await removeAll(quarantine, mediaKeys.user(sha256, videoId));
  const shared = (await blobs.list(quarantine, mediaKeys.usersOf(sha256))).length;
  if (shared === 0) {
    // Results first: without them nobody takes the stream for made.
    await removeAll(quarantine, mediaKeys.contentResults(sha256));
    await removeAll(mediaBucket, `${mediaKeys.content(sha256)}/`);
  }
  return { objects, shared };
}

/** An id as it may stand in a statement: a mutation takes no parameters. */
function named(videoId: string): string {
  if (!/^[\w/-]+$/.test(videoId)) throw new TypeError(`an id that cannot be named: ${videoId}`);
  return videoId;
}

async function eraseWords(warehouse: Warehouse, videoId: string): Promise<number> {
  let rows = 0;
  for (const table of wordTables) {
    const [found] = await warehouse.query<{ n: number }>(`SELECT count() AS n FROM ${table} WHERE video_id = {videoId:String} AND caption != ''`, { videoId });
    if (!found?.n) continue;
    rows += found.n;
    await warehouse.command(`ALTER TABLE ${table} UPDATE caption = '', topics = [] WHERE video_id = '${named(videoId)}' SETTINGS mutations_sync = 2`);
  }
  return rows;
}
