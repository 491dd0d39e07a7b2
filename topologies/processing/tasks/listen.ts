import type { Loudness } from '#infra/media/media.ts';
import { processLimits } from '#schemas/config/media.ts';
import { packWords } from '#schemas/media/fingerprint.ts';
import { trackFile } from '../frames.ts';
import { mediaTask } from '../job.ts';
import { sound } from './sound.ts';

export interface ListenResult {
  /** Of what viewers hear. */
  readonly after: Loudness | null;
  /** Chromaprint, base64 of 32-bit words, little end first. */
  readonly fingerprint: string;
}

/** What the finished sound is like. It runs beside the ladder: nobody waits for it to play. */
export const listen = mediaTask({
  name: 'listen',
  version: 1,
  needs: { sound },
  of: 'content',
  weight: 2,
  async run(job, inputs, { signal }): Promise<ListenResult> {
    const { track } = inputs.sound;
    if (!track) return { after: null, fingerprint: '' };
    const file = await trackFile(job, track);
    const call = { limits: processLimits.audio, signal, durationMs: 1_000 * track.segments.reduce((sum, s) => sum + s.seconds, 0) };
    const after = await job.media.loudness(file, call);
    const words = await job.media.fingerprint(file, call);
    return { after, fingerprint: packWords(words) };
  },
});
