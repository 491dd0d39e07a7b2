import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ForyouError } from '#infra/errors.ts';
import type { Frames, Look } from '#infra/media/media.ts';
import { lookSettings, processLimits } from '#schemas/config/media.ts';
import type { PictureTrack, Track } from '#schemas/media/playback.ts';
import type { MediaJob } from './job.ts';

/** A track as one file again: an initialisation segment and its fragments in a row are a whole MP4. */
export const trackFile = (job: MediaJob, track: Track): Promise<string> => fileOf(job, track, track.folder);

/** Tasks side by side share a file: one that is read must not be written again. */
function fileOf(job: MediaJob, track: Track, name: string): Promise<string> {
  const known = job.files.get(name);
  if (known) return known;
  const made = joined(job, track, name);
  job.files.set(name, made);
  made.catch(() => job.files.delete(name));
  return made;
}

/** The segment of a moment as a file, and where in it the moment is: what one picture of a long video needs. */
export async function fileAt(job: MediaJob, track: PictureTrack, atMs: number): Promise<{ readonly file: string; readonly atMs: number }> {
  let [beginsMs, at] = [0, 0];
  const lengthMs = () => 1_000 * (track.segments[at]?.seconds ?? 0);
  for (; at < track.segments.length - 1 && beginsMs + lengthMs() <= atMs; at++) beginsMs += lengthMs();
  const file = await fileOf(job, { ...track, segments: track.segments.slice(at, at + 1) }, `${track.folder}-${at}`);
  // Behind the beginning of its last frame there is none.
  return { file, atMs: Math.max(0, Math.min(atMs - beginsMs, lengthMs() - 1_500 / track.framesPerSecond)) };
}

async function joined(job: MediaJob, track: Track, name: string): Promise<string> {
  const names = ['init.mp4', ...track.segments.map((s) => s.name)];
  const bodies = await Promise.all(names.map((part) => job.content.get(`${track.folder}/${part}`)));
  if (bodies.some((body) => body === null)) throw new ForyouError('unavailable', `the store lacks a part of ${track.folder}`);
  const file = join(job.scratch, `${name}.mp4`);
  await writeFile(file, Buffer.concat(bodies as Buffer[]));
  return file;
}

/** The rendition that is looked at: large enough to judge, and cheap to decode. */
export const lookedAt = <P extends { readonly width: number; readonly height: number }>(pictures: readonly P[]): P =>
  pictures.findLast((p) => Math.min(p.width, p.height) <= 360) ?? (pictures[0] as P);

type Size = { readonly width: number; readonly height: number };

/** Frames over the whole video at an even pace, of a picture and a length; `exactly` as a model wants them. */
export function lookOf(picture: Size, seconds: number, exactly?: Size): Look {
  const scale = Math.min(1, lookSettings.side / Math.max(picture.width, picture.height));
  const even = (value: number) => Math.max(16, 2 * Math.round((value * scale) / 2));
  // A model is dearer than a look: it gets a frame a second at most.
  const [most, fastest] = exactly ? [lookSettings.modelFramesMax, 1] : [lookSettings.framesMax, lookSettings.framesPerSecondMax];
  // A clip of a blink has a few frames all the same. Lengths that differ by a hair have one pace.
  const pace = Math.max(lookSettings.framesMin / seconds, Math.min(fastest, most / Math.max(1, seconds)));
  return { width: exactly?.width ?? even(picture.width), height: exactly?.height ?? even(picture.height), framesPerSecond: Number(pace.toPrecision(3)) };
}

const keyOf = ({ width, height, framesPerSecond }: Look): string => `${width}x${height}@${framesPerSecond}`;

/** Frames that came with something else. */
export const keepFrames = (job: MediaJob, frames: Frames): void => void job.frames.set(keyOf(frames), Promise.resolve(frames));

/** Frames of the whole video. They come from a rendition: ours, upright, of a known format. Tasks side by side share them. */
export async function sampledFrames(job: MediaJob, pictures: readonly PictureTrack[], signal: AbortSignal, exactly?: Size): Promise<Frames> {
  const track = lookedAt(pictures);
  const seconds = track.segments.reduce((sum, s) => sum + s.seconds, 0);
  const look = lookOf(track, seconds, exactly);
  const key = keyOf(look);
  const known = job.frames.get(key);
  if (known) return known;
  const made = trackFile(job, track).then((file) => job.media.frames(file, look, { limits: processLimits.frames, signal, durationMs: 1_000 * seconds }));
  job.frames.set(key, made);
  made.catch(() => job.frames.delete(key));
  return made;
}
