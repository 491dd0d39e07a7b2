import type { Engagement } from '../events/engagement.ts';
import {
  completedSql,
  earlySkipSql,
  isCompleted,
  isEarlySkip,
  isReplayed,
  isScrolledAway,
  replayedSql,
  scrolledAwaySql,
  watchFraction,
  watchFractionSql,
} from '../events/watch.ts';

/** What each outcome is worth to the feed. Versioned: every served row names the version. */
export const signalWeights = {
  version: 1,
  share: 8,
  replay: 6,
  complete: 5,
  comment: 4,
  like: 4,
  follow: 3,
  /** Times the fraction watched, 0 to 1. */
  watchFraction: 2,
  /** Left before a quarter, after the early-skip time. */
  scrolledAway: -2,
  /** Left within two seconds. */
  earlySkip: -5,
  report: -20,
  notInterested: -10,
} as const;

type Signal = Pick<Engagement, 'kind' | 'watchedMs' | 'durationMs' | 'loops'>;

/** Worth of one engagement: the sum of the weights of what it means. */
export function signalValue(e: Signal): number {
  const w = signalWeights;
  switch (e.kind) {
    case 'watch':
      if (isEarlySkip(e)) return w.earlySkip;
      if (isScrolledAway(e)) return w.scrolledAway;
      return w.watchFraction * watchFraction(e) + (isCompleted(e) ? w.complete : 0) + (isReplayed(e) ? w.replay : 0);
    case 'share':
    case 'comment':
    case 'like':
    case 'follow':
    case 'report':
    case 'notInterested':
      return w[e.kind];
    default:
      return 0;
  }
}

/** The same as SQL over a row of `engagements`; a test holds the two together. */
export const signalValueSql = `multiIf(
  ${earlySkipSql}, ${signalWeights.earlySkip},
  ${scrolledAwaySql}, ${signalWeights.scrolledAway},
  kind = 'watch', ${signalWeights.watchFraction} * ${watchFractionSql} + if(${completedSql}, ${signalWeights.complete}, 0) + if(${replayedSql}, ${signalWeights.replay}, 0),
  kind = 'share', ${signalWeights.share}, kind = 'comment', ${signalWeights.comment}, kind = 'like', ${signalWeights.like},
  kind = 'follow', ${signalWeights.follow}, kind = 'report', ${signalWeights.report}, kind = 'notInterested', ${signalWeights.notInterested}, 0)`;
