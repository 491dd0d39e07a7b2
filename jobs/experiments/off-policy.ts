/** One logged decision: what it brought, the chance that it had, the chance that another policy would have given it. */
export interface Logged {
  readonly reward: number;
  readonly propensity: number;
  readonly target: number;
  /** What a model of rewards expects of the logged decision, and of the other policy in the same situation. */
  readonly expectedLogged?: number;
  readonly expectedTarget?: number;
}
export interface Estimate {
  readonly value: number;
  /** 95 % confidence interval, by the normal approximation. */
  readonly low: number;
  readonly high: number;
}
export interface OffPolicy {
  /** Inverse propensity score (Horvitz, Thompson, 1952). */
  readonly ips: Estimate;
  /** Self-normalised (Swaminathan, Joachims, 2015): biased a little, steadier where weights vary. */
  readonly snips: Estimate;
  /** Doubly robust (Dudík et al., 2011): right when either the propensities or the model are. */
  readonly dr: Estimate;
  /** How many decisions the weights are worth. */
  readonly effective: number;
}

const z = 1.96;

/** Mean and interval of values that are independent. */
export function meanOf(values: ArrayLike<number>): Estimate {
  const n = values.length;
  let [sum, square] = [0, 0];
  for (let i = 0; i < n; i++) {
    sum += values[i] as number;
    square += (values[i] as number) ** 2;
  }
  const mean = sum / n;
  const error = z * Math.sqrt(Math.max(0, square / n - mean * mean) / Math.max(1, n - 1));
  return { value: mean, low: mean - error, high: mean + error };
}

/** What another policy would have brought, from what the logging policy did. Throws when a propensity is not in (0, 1]. */
export function offPolicy(log: readonly Logged[]): OffPolicy {
  const weights = Float64Array.from(log, ({ propensity, target }) => {
    if (!(propensity > 0 && propensity <= 1)) throw new RangeError(`a propensity of ${propensity} is none`);
    return target / propensity;
  });
  const weighted = Float64Array.from(log, (l, i) => (weights[i] as number) * l.reward);
  const total = weights.reduce((a, b) => a + b, 0);
  const square = weights.reduce((a, b) => a + b * b, 0);
  const snips = total === 0 ? 0 : weighted.reduce((a, b) => a + b, 0) / total;
  // Delta method: a ratio of two means.
  const residual = meanOf(Float64Array.from(log, (l, i) => ((weights[i] as number) * (l.reward - snips) * log.length) / Math.max(total, 1e-12)));
  const half = (residual.high - residual.low) / 2;
  return {
    ips: meanOf(weighted),
    snips: { value: snips, low: snips - half, high: snips + half },
    dr: meanOf(Float64Array.from(log, (l, i) => (l.expectedTarget ?? 0) + (weights[i] as number) * (l.reward - (l.expectedLogged ?? 0)))),
    effective: square === 0 ? 0 : total ** 2 / square,
  };
}
