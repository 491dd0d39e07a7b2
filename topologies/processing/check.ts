import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Blobs } from '#infra/blobs/blobs.ts';
import type { Media } from '#infra/media/media.ts';
import type { VideoUploaded } from '#schemas/events/video-uploaded.ts';
import { mediaBucket, quarantine } from '#schemas/media/store.ts';
import type { Held, Outcome } from './outcome.ts';
import type { Inspectors } from './ports.ts';
import { processVideo, type Watcher } from './process-video.ts';

export interface Checked {
  readonly file: string;
  readonly outcome: Outcome | Held;
  readonly seconds: number;
  /** Everything that was made, by name below the content's folder. */
  readonly made: ReadonlyMap<string, Buffer>;
}

/** One file through the same tasks, with a store of its own that holds nothing yet. */
export async function checkFile(
  services: { readonly blobs: Blobs; readonly media: Media } & Inspectors,
  file: string,
  signal: AbortSignal,
  watcher: Watcher = {},
): Promise<Checked> {
  const { blobs } = services;
  for (const bucket of [quarantine, mediaBucket]) await blobs.createBucket(bucket);
  await blobs.put(quarantine, 'original', await readFile(file));
  const began = performance.now();
  const video = uploadedFrom(file, (await stat(file)).size);
  const outcome = await processVideo({ ...services, mediaUrl: '', clock: { now: () => Date.now() } }, video, signal, watcher);
  const made = new Map<string, Buffer>();
  for (const key of await blobs.list(mediaBucket, '')) made.set(key.split('/').slice(2).join('/'), (await blobs.get(mediaBucket, key)) as Buffer);
  return { file, outcome, seconds: (performance.now() - began) / 1_000, made };
}

const uploadedFrom = (file: string, sizeBytes: number): VideoUploaded => ({
  eventId: 'check',
  videoId: basename(file),
  creatorId: 'check',
  occurredAt: Date.now(),
  objectKey: 'original',
  sizeBytes,
  sha256: '',
  caption: '',
  topics: [],
  region: '',
  soundId: '',
  derivation: 'none',
  derivedFrom: '',
  minAge: 0,
});
