import { encode } from 'blurhash';
import type { Frames } from '#infra/media/media.ts';
import { copyRules } from '#schemas/config/media.ts';
import { chapterStarts } from '../chapters.ts';
import { sampledFrames } from '../frames.ts';
import { mediaTask } from '../job.ts';
import type { FrameHashes } from '../known-pictures.ts';
import { bestFrames, type FrameStats, frameStats, sceneStarts } from '../look.ts';
import { ladder } from './ladder.ts';

export interface ScenesResult {
  /** Moments in milliseconds at which a scene begins. */
  readonly startsMs: readonly number[];
  /** Moments at which a chapter begins: scenes in a row that look alike. */
  readonly chaptersMs: readonly number[];
  /** Moments of the best frames for a poster, the best first. */
  readonly postersMs: readonly number[];
  /** BlurHash of the best frame. */
  readonly placeholder: string;
  /** Frames by which a copy is found. */
  readonly frames: readonly FrameHashes[];
}

const posters = 3;

/** Where scenes begin, and which frames speak for the video. */
export const scenes = mediaTask({
  name: 'scenes',
  version: 3,
  needs: { ladder },
  of: 'content',
  weight: 4,
  async run(job, inputs, { signal }): Promise<ScenesResult> {
    const frames = await sampledFrames(job, inputs.ladder, signal);
    const stats = frameStats(frames);
    const atMs = (frame: number) => Math.round((1_000 * frame) / frames.framesPerSecond);
    const best = bestFrames(stats, posters);
    const starts = sceneStarts(stats);
    const size = frames.width * frames.height * 3;
    return {
      startsMs: starts.map(atMs),
      chaptersMs: chapterStarts(frames, starts).map(atMs),
      postersMs: best.map(atMs),
      placeholder: blurHashOf(frames.pixels.subarray((best[0] as number) * size, ((best[0] as number) + 1) * size), frames.width, frames.height),
      frames: telling(frames, stats).map((f) => ({ atMs: atMs(f), hashes: stats.hashes[f] as readonly string[] })),
    };
  },
});

/** Frames at an even pace that are not like all others. */
function telling({ count, framesPerSecond }: Frames, { contrast }: FrameStats): number[] {
  const pace = Math.max(1, Math.round(framesPerSecond), Math.ceil(count / copyRules.framesMax));
  const chosen: number[] = [];
  for (let f = 0; f < count; f += pace) if ((contrast[f] as number) >= copyRules.contrastMin) chosen.push(f);
  return chosen;
}

/** Four parts along the longer side, three along the shorter (github.com/woltapp/blurhash). */
function blurHashOf(rgb: Buffer, width: number, height: number): string {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = rgb[3 * i + c] as number;
  return width >= height ? encode(rgba, width, height, 4, 3) : encode(rgba, width, height, 3, 4);
}
