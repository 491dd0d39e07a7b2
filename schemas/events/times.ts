/** Clocks of devices run ahead a little; more than this is a wrong clock. */
export const maxAheadMs = 5 * 60_000;
export const oldestMs = Date.UTC(2010, 0, 1);

/** Whether an event time can be one, given when the log took the event. */
export const isInTime = (occurredAt: number, appendedAtMs: number): boolean => occurredAt >= oldestMs && occurredAt <= appendedAtMs + maxAheadMs;
