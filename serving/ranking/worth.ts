import { outcomes, outcomeWeights } from '#schemas/artifacts/ranker.ts';

/** Expected worth of each row, from what was predicted: by the weights of the outcomes, negatives included. */
export function worthOf(predicted: Readonly<Record<string, Float32Array>>, rows: number): Float64Array {
  const worth = new Float64Array(rows);
  for (const outcome of outcomes) {
    const column = predicted[outcome];
    if (column) for (let i = 0; i < worth.length; i++) worth[i] = (worth[i] as number) + outcomeWeights[outcome] * (column[i] as number);
  }
  return worth;
}
