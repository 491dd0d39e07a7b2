import { averageLikeRateOf, exposure, judge } from '#schemas/config/exposure.ts';
import { Random } from '../engine/random.ts';

export interface ExposureSettings {
  readonly videos: number;
  /** Shares of videos that strangers complete often, and hardly ever; the rest lie between. */
  readonly good: number;
  readonly bad: number;
  /** Share of impressions that pools are given. */
  readonly slots: number;
  readonly impressions: number;
  readonly seed: number;
}
export interface ExposureOutcome {
  /** Of the videos of each kind, the share that came at least to the second and to the third pool, and that was held. */
  readonly kinds: Readonly<Record<'good' | 'middling' | 'bad', { videos: number; second: number; third: number; held: number }>>;
  /** Share of completed views in the slots and in the rest of the feed. */
  readonly completionInSlots: number;
  readonly completionElsewhere: number;
  /** What the feed as a whole completes less because of the slots, as a share of what it would. */
  readonly cost: number;
}

/** Completion of each kind of video among strangers, from and to, and how much it is liked. */
const rates = { good: { from: 0.65, to: 0.85, like: 0.08 }, middling: { from: 0.35, to: 0.6, like: 0.04 }, bad: { from: 0.05, to: 0.25, like: 0.01 } } as const;
/** What a personal feed of known videos completes. */
const known = 0.55;

/**
 * Unknown videos of known worth against the rule that decides in production: whether the good ones rise and the
 * bad ones stop, and what finding that out costs.
 */
export function simulateExposure({ videos, good, bad, slots, impressions, seed }: ExposureSettings): ExposureOutcome {
  const random = new Random(seed);
  const kindOf = (i: number) => (i < good * videos ? 'good' : i < (good + bad) * videos ? 'bad' : 'middling');
  const all = Array.from({ length: videos }, (_, i) => {
    const kind: keyof typeof rates = kindOf(i);
    const { from, to, like } = rates[kind];
    return { kind, complete: from + (to - from) * random.next(), like, viewers: 0, completed: 0, liked: 0, pool: 0, open: true };
  });
  let [shown, completedInSlots, viewers, liked] = [0, 0, 0, 0];
  let open = [...all];
  for (let i = 0; i < impressions * slots && open.length > 0; i++) {
    const video = random.pick(open);
    const completes = random.chance(video.complete);
    shown++;
    viewers++;
    video.viewers++;
    if (completes) {
      video.completed++;
      completedInSlots++;
    }
    if (random.chance(video.like)) {
      video.liked++;
      liked++;
    }
    const { verdict } = judge(video, video.pool, averageLikeRateOf(viewers, liked));
    if (verdict === 'wait') continue;
    video.open = verdict === 'advance' && video.pool + 1 < exposure.pools.length;
    if (verdict === 'advance') video.pool++;
    if (!video.open) open = open.filter((v) => v !== video);
  }
  const of = (kind: keyof typeof rates) => {
    const list = all.filter((v) => v.kind === kind);
    const share = (test: (v: (typeof all)[number]) => boolean) => list.filter(test).length / Math.max(1, list.length);
    return { videos: list.length, second: share((v) => v.pool >= 1), third: share((v) => v.pool >= 2), held: share((v) => !v.open && v.pool === 0) };
  };
  const completionInSlots = completedInSlots / Math.max(1, shown);
  const part = shown / impressions;
  return {
    kinds: { good: of('good'), middling: of('middling'), bad: of('bad') },
    completionInSlots,
    completionElsewhere: known,
    cost: (part * (known - completionInSlots)) / known,
  };
}
