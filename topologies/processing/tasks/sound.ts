import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Loudness } from '#infra/media/media.ts';
import { audioCodec } from '#infra/media/mp4.ts';
import { loudnessTarget, processLimits } from '#schemas/config/media.ts';
import type { Track } from '#schemas/media/playback.ts';
import { mediaTask } from '../job.ts';
import { probe } from './probe.ts';
import { scan } from './scan.ts';

export interface SoundResult {
  /** Null for a file without sound. */
  readonly track: Track | null;
  readonly before: Loudness | null;
  readonly gainDb: number;
}

const silent: SoundResult = { track: null, before: null, gainDb: 0 };

/** The gain that brings the whole to the target; what is nearly silent is not made into noise. */
export const gainFor = (loudness: Loudness | null): number =>
  loudness ? Math.max(-loudnessTarget.gainMaxDb, Math.min(loudnessTarget.gainMaxDb, loudnessTarget.lufs - loudness.integrated)) : 0;

/** The sound as every rendition shares it: as loud as all others (EBU R128), in segments. */
export const sound = mediaTask({
  name: 'sound',
  version: 1,
  needs: { probe, scan },
  of: 'content',
  weight: 6,
  async run({ media, original, content, scratch }, inputs, { signal, progress }): Promise<SoundResult> {
    if (!inputs.probe.sound) return silent;
    const call = { limits: processLimits.audio, signal, durationMs: inputs.probe.durationMs };
    const before = await media.loudness(original, call);
    progress(0.3);
    const gainDb = gainFor(before);
    const folder = join(scratch, 'sound');
    const segments = await media.soundTrack(original, gainDb, folder, call);
    // The stream says that there is sound, and not one sample of it could be read.
    if (segments.length === 0) return silent;
    const read = (name: string) => readFile(join(folder, name));
    const bodies = await Promise.all(['init.mp4', ...segments.map((s) => s.name)].map(read));
    await Promise.all([content.put('sound/init.mp4', bodies[0] as Buffer), ...segments.map((s, i) => content.put(`sound/${s.name}`, bodies[i + 1] as Buffer))]);
    return {
      track: { folder: 'sound', codec: audioCodec, initBytes: (bodies[0] as Buffer).length, segments },
      before,
      gainDb,
    };
  },
});
