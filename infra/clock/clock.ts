/** The time, as a port: tests decide what it is. */
export interface Clock {
  now(): number;
}
export const systemClock: Clock = { now: () => Date.now() };
