/** The one place that says what a watch means, so that nobody disagrees on "completed". */

type WatchFacts = { kind: string; watchedMs: number; durationMs: number; loops: number };

/** A view shorter than this, of a video that did not end by then, is an early skip. */
const earlySkipMs = 2_000;
/** Watched at least this fraction counts as completed: players report the end a little early. */
const completedFraction = 0.95;
/** Left before this fraction (but after the early-skip time) counts as scrolled away. */
const scrolledAwayFraction = 0.25;

/** Share of the video that was watched, 0 to 1; 0 when the duration is unknown. */
export function watchFraction(e: WatchFacts): number {
  return e.kind !== 'watch' || e.durationMs <= 0 ? 0 : Math.min(1, e.watchedMs / e.durationMs);
}
export const isCompleted = (e: WatchFacts): boolean => e.kind === 'watch' && watchFraction(e) >= completedFraction;
/** Seen at least once more from the beginning. */
export const isReplayed = (e: WatchFacts): boolean => e.kind === 'watch' && (e.loops > 0 || (e.durationMs > 0 && e.watchedMs >= 1.5 * e.durationMs));
export const isEarlySkip = (e: WatchFacts): boolean => e.kind === 'watch' && e.watchedMs < earlySkipMs && !isCompleted(e);
export const isScrolledAway = (e: WatchFacts): boolean =>
  e.kind === 'watch' && e.durationMs > 0 && e.watchedMs >= earlySkipMs && watchFraction(e) < scrolledAwayFraction;
