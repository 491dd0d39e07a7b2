/**
 * Area under the ROC curve: the chance that a random positive scores above a random negative, ties half
 * (Mann-Whitney U). NaN while one of the two is missing. Labels above one half are positive.
 */
export function auc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const order = Int32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let positives = 0;
  let rankSum = 0;
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && scores[order[to] as number] === scores[order[from] as number]) to++;
    const rank = (from + to + 1) / 2;
    for (let i = from; i < to; i++)
      if ((labels[order[i] as number] as number) > 0.5) {
        positives++;
        rankSum += rank;
      }
    from = to;
  }
  const negatives = scores.length - positives;
  return positives === 0 || negatives === 0 ? Number.NaN : (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** AUC within each group, weighted by its size; groups of one class say nothing and are left out (Zhou et al., DIN, 2018). */
export function groupAuc(scores: ArrayLike<number>, labels: ArrayLike<number>, groups: readonly string[]): { value: number; groups: number } {
  const members = new Map<string, number[]>();
  for (const [i, group] of groups.entries()) {
    const list = members.get(group);
    if (list) list.push(i);
    else members.set(group, [i]);
  }
  let [sum, rows, counted] = [0, 0, 0];
  for (const list of members.values()) {
    const value = auc(
      list.map((i) => scores[i] as number),
      list.map((i) => labels[i] as number),
    );
    if (Number.isNaN(value)) continue;
    sum += value * list.length;
    rows += list.length;
    counted++;
  }
  return { value: rows === 0 ? Number.NaN : sum / rows, groups: counted };
}

/** Mean cross-entropy of probabilities against labels from 0 to 1. */
export function logLoss(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = Math.min(1 - 1e-7, Math.max(1e-7, probabilities[i] as number));
    const y = labels[i] as number;
    sum -= y * Math.log(p) + (1 - y) * Math.log(1 - p);
  }
  return sum / Math.max(1, labels.length);
}

/** Expected calibration error: mean distance of prediction and outcome over ten bins of equal size (Naeini et al., 2015). */
export function calibrationError(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  const order = Int32Array.from({ length: labels.length }, (_, i) => i).sort((a, b) => (probabilities[a] as number) - (probabilities[b] as number));
  const bins = 10;
  let error = 0;
  for (let b = 0; b < bins; b++) {
    const members = order.subarray(Math.floor((b * order.length) / bins), Math.floor(((b + 1) * order.length) / bins));
    let difference = 0;
    for (const i of members) difference += (probabilities[i] as number) - (labels[i] as number);
    error += Math.abs(difference);
  }
  return error / Math.max(1, order.length);
}

/**
 * Platt's scaling: `scale` and `shift` of logits that make them probabilities on rows kept apart (Platt,
 * 1999), by Newton's method, drawn slightly to the identity so that few rows change little.
 */
export function plattScaling(logits: ArrayLike<number>, labels: ArrayLike<number>): { scale: number; shift: number } {
  let [scale, shift] = [1, 0];
  const prior = 1;
  for (let step = 0; step < 50; step++) {
    let [ga, gb, haa, hab, hbb] = [prior * (scale - 1), prior * shift, prior, 0, prior];
    for (let i = 0; i < labels.length; i++) {
      const z = logits[i] as number;
      const p = 1 / (1 + Math.exp(-(scale * z + shift)));
      const [d, w] = [p - (labels[i] as number), Math.max(1e-6, p * (1 - p))];
      ga += d * z;
      gb += d;
      haa += w * z * z;
      hab += w * z;
      hbb += w;
    }
    const determinant = haa * hbb - hab * hab;
    const [da, db] = [(hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant];
    // A step is bounded, because far from its end a logistic curve is flat and Newton's method leaps.
    const bound = Math.min(1, 2 / Math.max(1e-12, Math.abs(da), Math.abs(db)));
    scale -= bound * da;
    shift -= bound * db;
    if (Math.abs(da) + Math.abs(db) < 1e-9) break;
  }
  // A slope that turned would invert an order that was learnt from more.
  return Number.isFinite(scale) && Number.isFinite(shift) && scale > 0 ? { scale, shift } : { scale: 1, shift: 0 };
}
