import { processLimits } from '#schemas/config/media.ts';
import { rightsRules } from '#schemas/config/rights.ts';
import { secondsPerWord, unpackWords } from '#schemas/media/fingerprint.ts';
import { trackFile } from '../frames.ts';
import { mediaTask } from '../job.ts';
import type { SoundMatch } from '../registered-works.ts';
import { listen } from './listen.ts';
import { sound } from './sound.ts';

export interface MatchResult {
  readonly match: SoundMatch | null;
  /** The video must not be shown anywhere. */
  readonly blocked: boolean;
  /** The sound must not be heard. */
  readonly muted: boolean;
  readonly blockedRegions: readonly string[];
}

const halfStepMs = (1_000 * secondsPerWord) / 2;

/** Whose sound it is, and what they want done. Works are registered at any time: the answer belongs to this upload alone. */
export const matchSound = mediaTask({
  name: 'match-sound',
  version: 1,
  needs: { sound, listen },
  of: 'video',
  weight: 3,
  async run(job, inputs, { signal }): Promise<MatchResult> {
    const { track } = inputs.sound;
    const nothing = { match: null, blocked: false, muted: false, blockedRegions: [] };
    if (!job.works || !track) return nothing;
    const file = await trackFile(job, track);
    const durationMs = 1_000 * track.segments.reduce((sum, s) => sum + s.seconds, 0);
    const call = { limits: processLimits.audio, signal, durationMs };
    const tried = async (speeds: readonly number[]) => {
      const fingerprints = [];
      // Words stand an eighth of a second apart: half of that between two fingerprints, so that one of them is in step.
      for (const speed of speeds)
        for (const skipMs of [0, halfStepMs]) {
          const asItIs = speed === 1 && skipMs === 0;
          const words = asItIs ? unpackWords(inputs.listen.fingerprint) : await job.media.fingerprint(file, call, { speed: 1 / speed, skipMs });
          fingerprints.push({ speed, words });
        }
      return job.works?.match(fingerprints) ?? null;
    };
    const match = (await tried([1])) ?? (await tried(rightsRules.speeds.filter((speed) => speed !== 1)));
    if (!match) return nothing;
    const everywhere = match.regions.length === 0;
    return {
      match,
      blocked: match.decision === 'block' && everywhere,
      muted: match.decision === 'mute' && everywhere,
      blockedRegions: match.decision !== 'allow' ? match.regions : [],
    };
  },
});
