import { processLimits } from '#schemas/config/media.ts';
import type { PictureTrack } from '#schemas/media/playback.ts';
import { fileAt, lookedAt, trackFile } from '../frames.ts';
import { mediaTask } from '../job.ts';
import { ladder } from './ladder.ts';
import { scenes } from './scenes.ts';

const posterSide = 1_280;
const previewSide = 320;
const previewMs = 3_000;

const fitted = (width: number, height: number, side: number): { width: number; height: number } => {
  const scale = Math.min(1, side / Math.max(width, height));
  const even = (value: number) => Math.max(2, 2 * Math.round((value * scale) / 2));
  return { width: even(width), height: even(height) };
};

/** Three posters out of the best rendition, and an animated preview from the best moment on. */
export const thumbnails = mediaTask({
  name: 'thumbnails',
  version: 2,
  needs: { scenes, ladder },
  of: 'content',
  weight: 4,
  async run(job, inputs, { signal, progress }) {
    const { media, content } = job;
    const best = inputs.ladder.at(-1) as PictureTrack;
    const size = fitted(best.width, best.height, posterSide);
    const call = { limits: processLimits.frames, signal };
    let done = 0;
    const made = async <T>(work: Promise<T>): Promise<T> => {
      const result = await work;
      progress(++done / 4);
      return result;
    };
    const poster = async (moment: number, i: number): Promise<string[]> => {
      const { file, atMs } = await fileAt(job, best, moment);
      const still = await media.still(file, atMs, size, call);
      if (still.length === 0) return [];
      const name = `poster-${i + 1}.jpg`;
      await content.put(name, still);
      return [content.url(name)];
    };
    const track = lookedAt(inputs.ladder);
    const lengthMs = 1_000 * track.segments.reduce((sum, s) => sum + s.seconds, 0);
    const span = { atMs: Math.max(0, Math.min(inputs.scenes.postersMs[0] ?? 0, lengthMs - previewMs)), lengthMs: previewMs };
    const preview = async (): Promise<string> => {
      const animation = await media.animation(await trackFile(job, track), { ...span, ...fitted(track.width, track.height, previewSide) }, call);
      await content.put('preview.webp', animation);
      return content.url('preview.webp');
    };
    // Nobody decodes anything else by now: they share the processors.
    const [previewUrl, ...posters] = await Promise.all([made(preview()), ...inputs.scenes.postersMs.map((atMs, i) => made(poster(atMs, i)))]);
    return { posters: posters.flat(), previewUrl };
  },
});
