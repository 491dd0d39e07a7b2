/** How the heuristic scorer mixes its parts. Versioned: every served row names the version. */
export const heuristic = {
  version: 1,
  /** Rates are pulled towards these by as many imagined watches, so that a video with one like is not the best of all. */
  priorWatches: 8,
  priorRates: {
    completes: 0.4,
    watchFraction: 0.5,
    earlySkips: 0.25,
    likes: 0.05,
    replays: 0.05,
    shares: 0.01,
    comments: 0.02,
    follows: 0.01,
    reports: 0,
    notInterested: 0.01,
  },
  /** Scores per unit of affinity, after a logarithm. */
  topicAffinity: 2.5,
  topicAvoidance: -2,
  creatorAffinity: 0.6,
  followed: 1.5,
  /** A new video's bonus, halved every `freshHalfLifeHours`. */
  fresh: 0.8,
  freshHalfLifeHours: 12,
  /** Each further source that offered the video. */
  agreement: 0.15,
  /** Order among near-equals differs from session to session by up to this much. */
  jitter: 0.6,
} as const;
