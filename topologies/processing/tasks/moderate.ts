import { Refusal } from '#infra/media/media.ts';
import { judgePicture, judgeText, moderationRules, together } from '#schemas/config/moderation.ts';
import { mediaTask } from '../job.ts';
import { classify } from './classify.ts';

export interface ModerateResult {
  readonly verdict: 'publish' | 'hold';
  /** In words, with scores. */
  readonly reason: string;
  readonly minAge: number;
  readonly by: 'rules' | 'model';
  readonly model: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** Words are judged before anything is encoded: what they forbid costs nothing more. */
export const readText = mediaTask({
  name: 'read-text',
  version: 1,
  needs: {},
  of: 'video',
  weight: 1,
  async run({ video }) {
    const judged = judgeText(video.caption, video.topics);
    if (judged.verdict === 'reject') throw new Refusal('policyText', judged.reasons.join(', '));
    return judged;
  },
});

/** Whether the video is shown, waits for a reviewer, or is refused. */
export const moderate = mediaTask({
  name: 'moderate',
  version: 1,
  needs: { classify, readText },
  of: 'video',
  weight: 1,
  async run({ video }, inputs): Promise<ModerateResult> {
    const { model, scores } = inputs.classify;
    const pictures = judgePicture(scores);
    if (pictures.verdict === 'reject') throw new Refusal('policyPicture', pictures.reasons.join(', '));
    const { verdict, reasons } = together(inputs.readText, pictures);
    return {
      verdict: verdict === 'hold' ? 'hold' : 'publish',
      reason: reasons.join(', '),
      minAge: verdict === 'adult' ? Math.max(video.minAge, moderationRules.adultAge) : video.minAge,
      by: pictures.reasons.length > 0 ? 'model' : 'rules',
      model,
      scores,
    };
  },
});
