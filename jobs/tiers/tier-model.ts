import type { CdnTier } from '#schemas/events/cdn-tier.ts';
import { fitRidge } from './ridge.ts';

/** What is known of a video after its first half hour. */
export interface EarlyLife {
  readonly videoId: string;
  readonly publishedAt: number;
  readonly watches: number;
  readonly viewers: number;
  readonly completed: number;
  readonly early: number;
  readonly likes: number;
  readonly shares: number;
  /** Watches of the last ten minutes of it. */
  readonly lately: number;
  /** Watches per video of its creator before it. */
  readonly creator: number;
  /** Watches of the day after; null while it is not over. */
  readonly later: number | null;
}

/** Shares of videos that are kept everywhere, and in every region. */
export const tierShares = { hot: 0.001, warm: 0.1 } as const;
const folds = 5;
export const fewestVideos = 100;

const features = (v: EarlyLife): number[] => {
  const rate = (part: number, prior: number) => (part + 10 * prior) / (v.watches + 10);
  return [
    Math.log1p(v.watches),
    Math.log1p(v.viewers),
    Math.log1p(v.lately),
    Math.log1p(v.creator),
    rate(v.completed, 0.4),
    rate(v.early, 0.25),
    rate(v.likes, 0.05),
    rate(v.shares, 0.01),
    Math.log1p(v.watches) * rate(v.completed, 0.4),
  ];
};

export interface TierModel {
  expected(video: EarlyLife): number;
  tierOf(expected: number): CdnTier['tier'];
  /** On the last fifth by time, which did not train: shares of the really hot and warm among those that are called so. */
  readonly precision: { readonly hot: number; readonly warm: number };
  /** The same of the rule that goes by watches so far. */
  readonly trivial: { readonly hot: number; readonly warm: number };
  readonly videos: number;
}

const topOf = (values: readonly number[], share: number): Set<number> =>
  new Set([...values.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b).slice(0, Math.max(1, Math.ceil(share * values.length))));
function precisionOf(predicted: readonly number[], real: readonly number[], share: number): number {
  const [called, truly] = [topOf(predicted, share), topOf(real, share)];
  return [...called].filter((i) => truly.has(i)).length / called.size;
}

/** Learns from videos whose first day is over, in the order of their publication. Null while they are too few. */
export function fitTiers(videos: readonly EarlyLife[]): TierModel | null {
  const known = videos.filter((v) => v.later !== null).sort((a, b) => a.publishedAt - b.publishedAt);
  if (known.length < fewestVideos) return null;
  const cut = known.length - Math.floor(known.length / folds);
  const [train, test] = [known.slice(0, cut), known.slice(cut)];
  const target = (list: readonly EarlyLife[]) => list.map((v) => Math.log1p(v.later as number));
  const model = fitRidge(train.map(features), target(train));
  const predicted = test.map((v) => model.predict(features(v)));
  const early = test.map((v) => v.watches);
  const real = target(test);
  const measured = (values: readonly number[]) => ({ hot: precisionOf(values, real, tierShares.hot), warm: precisionOf(values, real, tierShares.warm) });
  // What serves has learnt from all of them.
  const whole = fitRidge(known.map(features), target(known));
  const sorted = known.map((v) => whole.predict(features(v))).sort((a, b) => b - a);
  const least = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
  return {
    expected: (v) => Math.max(0, Math.expm1(whole.predict(features(v)))),
    tierOf: (expected) => (Math.log1p(expected) >= least(tierShares.hot) ? 'hot' : Math.log1p(expected) >= least(tierShares.warm) ? 'warm' : 'cold'),
    precision: measured(predicted),
    trivial: measured(early),
    videos: known.length,
  };
}
