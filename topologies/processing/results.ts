import type { Blobs } from '#infra/blobs/blobs.ts';
import { mediaBucket, mediaKeys, quarantine } from '#schemas/media/store.ts';
import type { AnyTask, Results } from '../engine/dag.ts';
import type { Held, Outcome } from './outcome.ts';

/** Results as objects, under the content's hash or under the video. */
export function keptResults(blobs: Blobs, sha256: string, videoId: string): Results {
  const keyOf = (task: AnyTask, what = ''): string =>
    `${task.of === 'content' ? mediaKeys.contentResults(sha256) : mediaKeys.videoResults(videoId)}${task.name}-${task.version}${what}.json`;
  const read = async (key: string) => {
    const body = await blobs.get(quarantine, key);
    return body && { result: JSON.parse(body.toString()) };
  };
  const write = (key: string, value: unknown) => blobs.put(quarantine, key, Buffer.from(JSON.stringify(value)));
  return {
    read: (task) => read(keyOf(task)),
    write: (task, result) => write(keyOf(task), result),
    readWay: async (task) => (await read(keyOf(task, '.way')))?.result ?? null,
    writeWay: (task, way) => write(keyOf(task, '.way'), way),
  };
}

/** Whether the store has this very key: one id may be the beginning of another. */
export const has = async (blobs: Blobs, bucket: string, key: string): Promise<boolean> => (await blobs.list(bucket, key)).includes(key);

/** Removes one object, or all of a folder when the name ends with a slash; returns how many there were. */
export async function removeAll(blobs: Blobs, bucket: string, name: string): Promise<number> {
  const keys = (await blobs.list(bucket, name)).filter((key) => name.endsWith('/') || key === name);
  for (const key of keys) await blobs.remove(bucket, key);
  return keys.length;
}

/** Which videos are of a content: what one of them no longer needs another may. */
export const users = {
  async add(blobs: Blobs, sha256: string, videoId: string): Promise<void> {
    await blobs.put(quarantine, mediaKeys.user(sha256, videoId), Buffer.from(''));
  },
  /**
   * Takes the video away from its content, and the content with it when it was the last. Results go first: what has
   * no result is made anew. Returns the objects that went, and the videos for whose sake the rest stays.
   */
  async remove(blobs: Blobs, sha256: string, videoId: string): Promise<{ objects: number; shared: number }> {
    const user = await removeAll(blobs, quarantine, mediaKeys.user(sha256, videoId));
    const shared = (await blobs.list(quarantine, mediaKeys.usersOf(sha256))).length;
    if (shared > 0) return { objects: user, shared };
    const results = await removeAll(blobs, quarantine, mediaKeys.contentResults(sha256));
    return { objects: user + results + (await removeAll(blobs, mediaBucket, `${mediaKeys.content(sha256)}/`)), shared };
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
