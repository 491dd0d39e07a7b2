/** How the feed chooses from what was scored. Experiments change single values; served rows name their arm. */
export interface Selection {
  /** 0: by score alone; 1: by being unlike what stands before alone (MMR). */
  readonly variety: number;
  /** Places that a video of a creator whom few have watched is lifted by, and how many watches are few. */
  readonly newCreatorLift: number;
  readonly newCreatorWatches: number;
  readonly slots: readonly Slot[];
}

/** Places of a session that belong to a source: at `at` of every `every`, counted from 0. */
export interface Slot {
  readonly source: string;
  readonly every: number;
  readonly at: number;
  /** Drawn by lot, which teaches something, or the best by score. */
  readonly by: 'lot' | 'score';
}

export const selection: Selection = {
  // Costs 1 % of recall on the TikTok validation part; see `make bench ONLY=variety`.
  variety: 0.1,
  newCreatorLift: 5,
  newCreatorWatches: 100,
  slots: [
    { source: 'exposure-pool', every: 10, at: 4, by: 'lot' },
    { source: 'live-now', every: 20, at: 9, by: 'score' },
    { source: 'explore', every: 20, at: 17, by: 'lot' },
  ],
};

/** Who makes a trend. */
export const crowdRules = {
  /** So many of a list are looked into, by so many of the latest accounts behind each. */
  judged: 100,
  sampled: 30,
  /** One viewer's answers to a video count for at most so much: a view to the end, again, and a like. */
  perViewer: 12,
  /** An account that has seen so many videos counts fully; below, by the square of its share of them. */
  established: 10,
  /** What everybody counts for at least: a platform that has just begun has trends too. */
  least: 0.02,
} as const;
