/**
 * The one place that says what a watch means, so that nobody disagrees on "completed": as functions of
 * an event, and as SQL over a row of `engagements`. A test holds the two together.
 */

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

export const watchFractionSql = "if(kind = 'watch' AND duration_ms > 0, least(1, watched_ms / duration_ms), 0)";
export const completedSql = `(kind = 'watch' AND ${watchFractionSql} >= ${completedFraction})`;
export const replayedSql = "(kind = 'watch' AND (loops > 0 OR (duration_ms > 0 AND watched_ms >= 1.5 * duration_ms)))";
export const earlySkipSql = `(kind = 'watch' AND watched_ms < ${earlySkipMs} AND NOT ${completedSql})`;
export const scrolledAwaySql = `(kind = 'watch' AND duration_ms > 0 AND watched_ms >= ${earlySkipMs} AND ${watchFractionSql} < ${scrolledAwayFraction})`;
