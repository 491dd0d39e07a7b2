import { processLimits } from '#schemas/config/media.ts';
import { type ContentVectors, packVector, projected } from '#schemas/media/content-vector.ts';
import type { PictureTrack } from '#schemas/media/playback.ts';
import { logMel, sampleRate, soundDescriptor, soundModel } from '../descriptors/sound.ts';
import { visualDescriptor, visualModel } from '../descriptors/visual.ts';
import { sampledFrames, trackFile } from '../frames.ts';
import { type MediaJob, mediaTask } from '../job.ts';
import { frameStats, sceneStarts } from '../look.ts';
import { ladder } from './ladder.ts';
import { sound } from './sound.ts';

export interface VectorsResult extends ContentVectors {
  /** Names of what made them. Only vectors with the same names can be compared. */
  readonly vectorModel: string;
}

/** What the video looks and sounds like: by the models that are configured, otherwise by descriptors. */
export const vectors = mediaTask({
  name: 'vectors',
  version: 1,
  needs: { ladder, sound },
  of: 'content',
  weight: 3,
  async run(job, inputs, { signal, progress }): Promise<VectorsResult> {
    const { visualEncoder, soundEncoder } = job;
    const visual = await look(job, inputs.ladder, signal);
    progress(0.6);
    const heard = inputs.sound.track ? await listen(job, await trackFile(job, inputs.sound.track), inputs.sound.track.segments, signal) : null;
    return {
      visualVector: packVector(projected(visual)),
      soundVector: heard ? packVector(projected(heard)) : '',
      vectorModel: `${visualEncoder?.version ?? visualModel}/${soundEncoder?.version ?? soundModel}`,
    };
  },
});

async function look(job: MediaJob, pictures: readonly PictureTrack[], signal: AbortSignal): Promise<Float32Array> {
  const { visualEncoder } = job;
  if (visualEncoder) return visualEncoder.encode(await sampledFrames(job, pictures, signal, visualEncoder.size));
  const frames = await sampledFrames(job, pictures, signal);
  return visualDescriptor(frames, sceneStarts(frameStats(frames)));
}

/** So much of a sound says what it is like. */
const heardSeconds = 60;

async function listen(job: MediaJob, file: string, segments: readonly { readonly seconds: number }[], signal: AbortSignal): Promise<Float32Array | null> {
  const seconds = Math.min(
    heardSeconds,
    segments.reduce((sum, s) => sum + s.seconds, 0),
  );
  const call = { limits: processLimits.audio, signal, durationMs: 1_000 * seconds };
  const mels = logMel((await job.media.samples(file, sampleRate, call)).subarray(0, sampleRate * heardSeconds));
  const described = soundDescriptor(mels);
  // Silence is nothing to compare, whatever a model would say of it.
  return described && job.soundEncoder ? job.soundEncoder.encode(mels) : described;
}
