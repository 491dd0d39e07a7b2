/** When a sound counts as a registered work, as configuration with a version. */
export const rightsRules = {
  version: '1',
  /** Shortest stretch that counts. */
  secondsMin: 5,
  /**
   * Share of bits that may differ over such a stretch. Two films that have nothing to do with each other differed in
   * 35 % of them where they were most alike, the same film cut at any moment in 7 % at most.
   */
  bitErrorMax: 0.25,
  /** Of the words of a stretch so many must be different ones: hum and silence are like all hum and silence. */
  distinctMin: 0.2,
  /** Playing speeds that are undone before looking: what was sped up or slowed down by up to six percent is found. */
  speeds: [1, 0.98, 1.02, 0.96, 1.04, 0.94, 1.06],
} as const;

export type RightsDecision = 'allow' | 'mute' | 'block';
export const rightsDecisions = ['allow', 'mute', 'block'] as const satisfies readonly RightsDecision[];
