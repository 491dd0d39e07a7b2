/** One logged decision: what it brought, the chance that it had, the chance that another policy would have given it. */
export interface Logged {
  readonly reward: number;
  readonly propensity: number;
  readonly target: number;
  /** What a model of rewards expects of the logged decision, and of the other policy in the same situation. */
  readonly expectedLogged?: number;
  readonly expectedTarget?: number;
  /** How many decisions were just like it; 1 when left out. */
  readonly times?: number;
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

/** Mean and interval of values that are independent, each of which came so many times (once when left out). */
export function meanOf(values: ArrayLike<number>, times?: ArrayLike<number>): Estimate {
  let [n, sum, square] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const [value, count] = [values[i] as number, times ? (times[i] as number) : 1];
    n += count;
    sum += count * value;
    square += count * value ** 2;
  }
  const mean = sum / n;
  const error = z * Math.sqrt(Math.max(0, square / n - mean * mean) / Math.max(1, n - 1));
  return { value: mean, low: mean - error, high: mean + error };
}

/** What another policy would have brought, from what the logging policy did. Throws when a propensity is not in (0, 1]. */
export function offPolicy(log: readonly Logged[]): OffPolicy {
  const times = Float64Array.from(log, (l) => l.times ?? 1);
  const weights = Float64Array.from(log, ({ propensity, target }) => {
    if (!(propensity > 0 && propensity <= 1)) throw new RangeError(`a propensity of ${propensity} is none`);
    return target / propensity;
  });
  const weighted = Float64Array.from(log, (l, i) => (weights[i] as number) * l.reward);
  const sumOf = (values: Float64Array) => values.reduce((sum, value, i) => sum + value * (times[i] as number), 0);
  const decisions = times.reduce((a, b) => a + b, 0);
  const total = sumOf(weights);
  const square = sumOf(weights.map((w) => w * w));
  const snips = total === 0 ? 0 : sumOf(weighted) / total;
  // Delta method: a ratio of two means.
  const residuals = Float64Array.from(log, (l, i) => ((weights[i] as number) * (l.reward - snips) * decisions) / Math.max(total, 1e-12));
  const residual = meanOf(residuals, times);
  const half = (residual.high - residual.low) / 2;
  return {
    ips: meanOf(weighted, times),
    snips: { value: snips, low: snips - half, high: snips + half },
    dr: meanOf(
      Float64Array.from(log, (l, i) => (l.expectedTarget ?? 0) + (weights[i] as number) * (l.reward - (l.expectedLogged ?? 0))),
      times,
    ),
    effective: square === 0 ? 0 : total ** 2 / square,
  };
}
