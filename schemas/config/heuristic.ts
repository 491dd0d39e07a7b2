/** How the heuristic scorer mixes its parts. Versioned: every served row names the version. */
export const heuristic = {
  version: 1,
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
  /**
   * The heuristic counts as so many impressions beside a learnt ranker: one that has seen few knows little of
   * candidates unlike those that were served.
   */
  asImpressions: 5_000,
  /** Order among near-equals differs from session to session by up to this much. */
  jitter: 0.6,
} as const;
