import { betaBelow } from './beta.ts';

/** The reason that the feed gives for a video that it shows because it is unknown; players send it back. */
export const exposureReason = 'exposure-pool';

/** How an unknown video earns its viewers. Versioned: every decision names the version. */
export const exposure = {
  version: 1,
  /** Viewers of each pool; a video that passes the last has no need of pools any more. */
  pools: [100, 1_000, 10_000, 100_000],
  /** A share completed from which a video goes on, and one below which it is held. */
  good: 0.6,
  bad: 0.3,
  /** How sure a decision must be. */
  sure: 0.9,
  /** A video may be held before its pool is full, but not before so many have seen it. */
  fewest: 30,
  /** A pool that is this many times full without a decision ends. */
  patience: 3,
  /** What is assumed of likes before anything is known, as so many viewers. */
  priorViewers: 50,
  usualLikeRate: 0.04,
} as const;

/** Distinct viewers whom the pool showed a video, and how many of them completed and liked it. */
export interface Evidence {
  readonly viewers: number;
  readonly completed: number;
  readonly liked: number;
}
export type Verdict = 'advance' | 'hold' | 'exhaust' | 'wait';
export interface Judgement {
  readonly verdict: Verdict;
  /** Posterior probabilities: that the share completed is at least `good`, that it is below `bad`, that likes are above average. */
  readonly pGood: number;
  readonly pBad: number;
  readonly pLiked: number;
}

/**
 * Decides by posteriors instead of ratios, which at thirty viewers say little: completion from a uniform prior,
 * likes from one at the usual rate. It may be asked after every viewer; a posterior stays what it is (Gelman et al.,
 * Bayesian Data Analysis, 8.4: stopping rules do not matter to it).
 */
export function judge({ viewers, completed, liked }: Evidence, pool: number, averageLikeRate: number): Judgement {
  const { good, bad, sure, fewest, patience, priorViewers, pools } = exposure;
  const [a, b] = [completed + 1, Math.max(0, viewers - completed) + 1];
  const pGood = 1 - betaBelow(good, a, b);
  const pBad = betaBelow(bad, a, b);
  const pLiked = 1 - betaBelow(averageLikeRate, liked + priorViewers * averageLikeRate, Math.max(0, viewers - liked) + priorViewers * (1 - averageLikeRate));
  const size = pools[pool] ?? Number.POSITIVE_INFINITY;
  let verdict: Verdict = 'wait';
  if (viewers >= fewest && pBad >= sure) verdict = 'hold';
  else if (viewers >= size && pGood >= sure && pLiked > 0.5) verdict = 'advance';
  else if (viewers >= patience * size) verdict = 'exhaust';
  return { verdict, pGood, pBad, pLiked };
}

/** The average of likes by all who were shown unknown videos, pulled to what is usual while they are few. */
export const averageLikeRateOf = (viewers: number, liked: number): number =>
  (liked + 4 * exposure.priorViewers * exposure.usualLikeRate) / (viewers + 4 * exposure.priorViewers);
