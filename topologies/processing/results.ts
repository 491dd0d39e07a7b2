import type { Blobs } from '#infra/blobs/blobs.ts';
import { mediaKeys, quarantine } from '#schemas/media/store.ts';
import type { AnyTask, Results } from '../engine/dag.ts';
import type { Held, Outcome } from './outcome.ts';

/** Results as objects, under the content's hash or under the video. */
export function keptResults(blobs: Blobs, sha256: string, videoId: string): Results {
  const keyOf = (task: AnyTask): string =>
    `${task.of === 'content' ? mediaKeys.contentResults(sha256) : mediaKeys.videoResults(videoId)}${task.name}-${task.version}.json`;
  return {
    async read(task) {
      const body = await blobs.get(quarantine, keyOf(task));
      return body && { result: JSON.parse(body.toString()) };
    },
    async write(task, result) {
      await blobs.put(quarantine, keyOf(task), Buffer.from(JSON.stringify(result)));
    },
  };
}

/** Which videos are of a content: what one of them no longer needs another may. */
export const users = {
  async add(blobs: Blobs, sha256: string, videoId: string): Promise<void> {
    await blobs.put(quarantine, mediaKeys.user(sha256, videoId), Buffer.from(''));
  },
  /** Takes the video away from its content, and the content with it when it was the last. Results go first: what has no result is made anew. */
  async remove(blobs: Blobs, sha256: string, videoId: string, removeContent: () => Promise<void>): Promise<void> {
    await blobs.remove(quarantine, mediaKeys.user(sha256, videoId));
    if ((await blobs.list(quarantine, mediaKeys.usersOf(sha256))).length > 0) return;
    for (const key of await blobs.list(quarantine, mediaKeys.contentResults(sha256))) await blobs.remove(quarantine, key);
    await removeContent();
  },
};

/** How an upload ended, once and for all; null while it has not. */
export async function readOutcome(blobs: Blobs, videoId: string): Promise<Outcome | null> {
  const body = await blobs.get(quarantine, mediaKeys.outcome(videoId));
  return body && (JSON.parse(body.toString()) as Outcome);
}

/** The first decision stands, and is what everybody gets back. */
export async function decideOnce(blobs: Blobs, videoId: string, outcome: Outcome): Promise<Outcome> {
  if (await blobs.putNew(quarantine, mediaKeys.outcome(videoId), Buffer.from(JSON.stringify(outcome)))) return outcome;
  return (await readOutcome(blobs, videoId)) ?? outcome;
}

/** What waits for a reviewer; it stays when he has decided, as a record. */
export async function readHeld(blobs: Blobs, videoId: string): Promise<Held | null> {
  const body = await blobs.get(quarantine, mediaKeys.held(videoId));
  return body && (JSON.parse(body.toString()) as Held);
}
export async function holdOnce(blobs: Blobs, held: Held): Promise<Held> {
  const key = mediaKeys.held(held.event.videoId);
  if (await blobs.putNew(quarantine, key, Buffer.from(JSON.stringify(held)))) return held;
  return (await readHeld(blobs, held.event.videoId)) ?? held;
}
