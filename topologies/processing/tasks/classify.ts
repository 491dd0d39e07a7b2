import { pictureScores } from '#schemas/config/moderation.ts';
import { sampledFrames } from '../frames.ts';
import { mediaTask } from '../job.ts';
import { ladder } from './ladder.ts';

export interface ClassifyResult {
  /** Empty when no model is configured. */
  readonly model: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** What a picture model sees in frames over the whole video. */
export const classify = mediaTask({
  name: 'classify',
  version: 1,
  needs: { ladder },
  of: 'content',
  weight: 4,
  async run(job, inputs, { signal }): Promise<ClassifyResult> {
    const { classifier } = job;
    if (!classifier) return { model: '', scores: {} };
    const frames = await sampledFrames(job, inputs.ladder, signal, classifier.size);
    return { model: classifier.version, scores: pictureScores(classifier.labels, await classifier.classify(frames)) };
  },
});
