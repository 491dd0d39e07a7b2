import type { Engagement } from '#schemas/events/engagement.ts';
import { ok, reject, step } from '../engine/steps.ts';

const dayMs = 86_400_000;
const within = (value: number, max: number): boolean => value >= 0 && value <= max;

/** Numbers that no player could have measured are rejected, NaN among them: every comparison with it is false. */
export const measurable = step<Engagement>('measurable', (e) => {
  if (!within(e.watchedMs, dayMs)) return reject('watch-out-of-range', `watchedMs is ${e.watchedMs}`);
  if (!within(e.durationMs, dayMs)) return reject('duration-out-of-range', `durationMs is ${e.durationMs}`);
  if (!within(e.loops, 10_000)) return reject('loops-out-of-range', `loops is ${e.loops}`);
  if (!within(e.playbackRate, 16)) return reject('rate-out-of-range', `playbackRate is ${e.playbackRate}`);
  return ok;
});
