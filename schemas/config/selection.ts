/** How the feed chooses from what was scored. Experiments change single values; served rows name their arm. */
export interface Selection {
  /** 0: by score alone; 1: by being unlike what stands before alone (MMR). */
  readonly variety: number;
  /** Places that a video of a creator whom few have watched is lifted by, and how many watches are few. */
  readonly newCreatorLift: number;
  readonly newCreatorWatches: number;
  /** Places of a session that belong to a source: at `at` of every `every`, counted from 0. */
  readonly slots: readonly { readonly source: string; readonly every: number; readonly at: number }[];
}

export const selection: Selection = {
  // Costs 1 % of recall on the TikTok validation part; see `make bench ONLY=variety`.
  variety: 0.1,
  newCreatorLift: 5,
  newCreatorWatches: 100,
  slots: [
    { source: 'exposure-pool', every: 10, at: 4 },
    { source: 'explore', every: 20, at: 17 },
  ],
};
