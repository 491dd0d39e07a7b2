import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blobs } from '#infra/blobs/blobs.ts';
import type { Clock } from '#infra/clock/clock.ts';
import { type Media, Refusal } from '#infra/media/media.ts';
import type { VideoUploaded } from '#schemas/events/video-uploaded.ts';
import { quarantine } from '#schemas/media/store.ts';
import { type DagOptions, isOutage, runDag } from '../engine/dag.ts';
import { Attempts } from './attempts.ts';
import { Content, type MediaJob } from './job.ts';
import { endFrom, type Held, type Outcome, rejectedFor } from './outcome.ts';
import type { Inspectors } from './ports.ts';
import { processing, processingConcurrency } from './processing.ts';
import { keptResults, users } from './results.ts';
import { makeScratch } from './scratch.ts';

export interface ProcessingServices extends Inspectors {
  readonly blobs: Blobs;
  readonly media: Media;
  /** URL that the media bucket is read at. */
  readonly mediaUrl: string;
  readonly clock: Clock;
}

export interface Watcher {
  readonly onStep?: DagOptions<MediaJob>['onStep'];
  readonly onPlayable?: (url: string) => void;
  /** Fault tests stop the process here. */
  readonly at?: DagOptions<MediaJob>['at'];
}

/**
 * One upload through all tasks to its end. Outages are waited for; anything that the file is to blame for rejects it.
 * Throws when the signal aborts, and for bugs.
 */
export async function processVideo(services: ProcessingServices, video: VideoUploaded, signal: AbortSignal, watcher: Watcher = {}): Promise<Outcome | Held> {
  const scratch = await makeScratch();
  const attempts = new Attempts(services.blobs, video.videoId);
  let content: Content | null = null;
  try {
    const original = join(scratch, 'original');
    const { sha256 } = await fetched(services.blobs, attempts, video, original, signal);
    content = new Content(services.blobs, services.mediaUrl, sha256);
    await users.add(services.blobs, sha256, video.videoId);
    const shared = { files: new Map(), frames: new Map() };
    const context: MediaJob = { ...services, video, sha256, original, scratch, content, ...shared, playable: (url) => watcher.onPlayable?.(url) };
    const end = endFrom(video, sha256, await runTasks(services.blobs, context, attempts, signal, watcher), services.clock.now());
    if (end.kind === 'rejected') await users.remove(services.blobs, sha256, video.videoId);
    return end;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const made = content;
    if (made) await users.remove(services.blobs, made.sha256, video.videoId);
    return rejectedFor(video, made?.sha256 ?? '', error.reason, error.message, services.clock.now());
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Fetches the original, and counts it: a file that ends its worker here is given up too. */
async function fetched(blobs: Blobs, attempts: Attempts, video: VideoUploaded, file: string, signal: AbortSignal): Promise<{ sha256: string }> {
  await attempts.begin('fetch');
  try {
    const found = await fetchOriginal(blobs, video, file);
    await attempts.forgive('fetch');
    return found;
  } catch (error) {
    if (signal.aborted || isOutage(error)) await attempts.forgive('fetch').catch(() => {});
    throw error;
  }
}

async function fetchOriginal(blobs: Blobs, video: VideoUploaded, file: string): Promise<{ sha256: string }> {
  const original = await blobs.fetchTo(quarantine, video.objectKey, file);
  // Not an outage: the store answered. It is tried a few times, for a store may find it again.
  if (!original) throw new Error(`the original of ${video.videoId} is not in the store`);
  if (original.bytes === 0) throw new Refusal('empty', 'it has 0 bytes');
  if (video.sha256 !== '' && video.sha256 !== original.sha256) throw new Refusal('checksumDiffers', `it is ${original.sha256}`);
  return original;
}

function runTasks(blobs: Blobs, context: MediaJob, attempts: Attempts, signal: AbortSignal, watcher: Watcher): Promise<ReadonlyMap<string, unknown>> {
  return runDag({
    tasks: processing,
    context,
    results: keptResults(blobs, context.sha256, context.video.videoId),
    concurrency: processingConcurrency,
    signal,
    ...(watcher.onStep ? { onStep: watcher.onStep } : {}),
    async at(name, what) {
      if (what === 'begins') await attempts.begin(name);
      else await attempts.forgive(name);
      await watcher.at?.(name, what);
    },
    onKept: (name) => attempts.cameFurther(name),
    // Ended by us: not the file's fault.
    onAborted: (name) => attempts.forgive(name),
  });
}
