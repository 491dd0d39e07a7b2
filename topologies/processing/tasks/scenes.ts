import { encode } from 'blurhash';
import { sampledFrames } from '../frames.ts';
import { mediaTask } from '../job.ts';
import { bestFrames, frameStats, sceneStarts } from '../look.ts';
import { ladder } from './ladder.ts';

export interface ScenesResult {
  /** Moments in milliseconds at which a scene begins. */
  readonly startsMs: readonly number[];
  /** Moments of the best frames for a poster, the best first. */
  readonly postersMs: readonly number[];
  /** BlurHash of the best frame. */
  readonly placeholder: string;
  /** Difference hash of the best frame of each scene, to find the same pictures again. */
  readonly hashes: readonly string[];
}

const posters = 3;

/** Where scenes begin, and which frames speak for the video. */
export const scenes = mediaTask({
  name: 'scenes',
  version: 1,
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
      postersMs: best.map(atMs),
      placeholder: blurHashOf(frames.pixels.subarray((best[0] as number) * size, ((best[0] as number) + 1) * size), frames.width, frames.height),
      hashes: starts.map((from, i) => {
        const end = starts[i + 1] ?? frames.count;
        let sharpest = from;
        for (let f = from; f < end; f++) if ((stats.sharpness[f] as number) > (stats.sharpness[sharpest] as number)) sharpest = f;
        return stats.hashes[sharpest] as string;
      }),
    };
  },
});

/** Four parts along the longer side, three along the shorter (github.com/woltapp/blurhash). */
function blurHashOf(rgb: Buffer, width: number, height: number): string {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = rgb[3 * i + c] as number;
  return width >= height ? encode(rgba, width, height, 4, 3) : encode(rgba, width, height, 3, 4);
}
