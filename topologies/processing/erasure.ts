import type { Blobs } from '#infra/blobs/blobs.ts';
import type { Clock } from '#infra/clock/clock.ts';
import { ForyouError } from '#infra/errors.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { videoErased } from '#schemas/events/video-erased.ts';
import { type VideoRemoved, videoRemoved } from '#schemas/events/video-removed.ts';
import { mediaKeys, quarantine } from '#schemas/media/store.ts';
import { erasable } from '#schemas/tables/erasure.ts';
import { drop, ok, step, steps } from '../engine/steps.ts';
import { type Topology, topology, work } from '../engine/topology.ts';
import { dedupe } from '../steps/dedupe.ts';
import { hasIds } from '../steps/ids.ts';
import { inTime } from '../steps/times.ts';
import type { Outcome } from './outcome.ts';
import { decideOnce, has, readHeld, readOutcome, removeAll, users } from './results.ts';
import { sendEnd } from './topology.ts';

/** What moderation took away may have to come back; what its creator withdrew is deleted. */
const byCreator = step<VideoRemoved>('byCreator', (e) => (e.reason === 'creator' ? ok : drop('not-of-its-creator')));

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
        const outcome = (await readOutcome(blobs, videoId)) ?? (await withdrawn(blobs, producer, videoId));
        if (!outcome && (await has(blobs, quarantine, mediaKeys.original(videoId))))
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

/** An upload that waits for a reviewer ends here: nobody has to look at it any more. Null when it does not wait. */
async function withdrawn(blobs: Blobs, producer: EventProducer, videoId: string): Promise<Outcome | null> {
  const held = await readHeld(blobs, videoId);
  if (!held) return null;
  const { creatorId, occurredAt } = held.event;
  const event = { eventId: `${videoId}/rejected`, videoId, creatorId, occurredAt: occurredAt + 1, reason: 'withdrawn' as const, detail: '' };
  const end = await decideOnce(blobs, videoId, { kind: 'rejected', sha256: held.sha256, moderation: null, sound: null, copy: null, event });
  await sendEnd(producer, end);
  return end;
}

const wordless = (event: object): object => ({
  ...event,
  ...('caption' in event ? { caption: '', topics: [], visualVector: '', soundVector: '', placeholder: '' } : {}),
});

async function eraseObjects(blobs: Blobs, videoId: string, sha256: string): Promise<{ objects: number; shared: number }> {
  let objects = 0;
  for (const prefix of [mediaKeys.original(videoId), mediaKeys.videoResults(videoId), mediaKeys.held(videoId)])
    objects += await removeAll(blobs, quarantine, prefix);
  if (sha256 === '') return { objects, shared: 0 };
  const content = await users.remove(blobs, sha256, videoId);
  return { objects: objects + content.objects, shared: content.shared };
}

/** An id as it may stand in a statement: a mutation takes no parameters. */
function named(videoId: string): string {
  if (!/^[\w/-]+$/.test(videoId)) throw new TypeError(`an id that cannot be named: ${videoId}`);
  return videoId;
}

async function eraseWords(warehouse: Warehouse, videoId: string): Promise<number> {
  let rows = 0;
  for (const { table, leaves } of erasable) {
    const said = Object.entries(leaves).map(([column, left]) => `${column} != ${left}`);
    const where = `video_id = '${named(videoId)}' AND (${said.join(' OR ')})`;
    const [found] = await warehouse.query<{ n: number }>(`SELECT count() AS n FROM ${table.name} WHERE ${where}`);
    if (!found?.n) continue;
    rows += found.n;
    const nothing = Object.entries(leaves).map(([column, left]) => `${column} = ${left}`);
    await warehouse.command(`ALTER TABLE ${table.name} UPDATE ${nothing.join(', ')} WHERE ${where} SETTINGS mutations_sync = 2`);
  }
  return rows;
}
