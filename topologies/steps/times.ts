import { maxAheadMs, oldestMs } from '#schemas/events/times.ts';
import { ok, reject, step } from '../engine/steps.ts';

interface Timed {
  readonly occurredAt: number;
}

/** Event time must be a time. Late is fine: history takes it, and decay keeps it from moving online state. */
export const inTime = step<Timed>('inTime', (e, context) => {
  if (!(e.occurredAt >= oldestMs)) return reject('time-out-of-range', `occurredAt ${e.occurredAt} is before 2010`);
  if (e.occurredAt > context.appendedAtMs + maxAheadMs)
    return reject('time-in-future', `occurredAt ${e.occurredAt} is more than 5 minutes after the log took it at ${context.appendedAtMs}`);
  return ok;
});
