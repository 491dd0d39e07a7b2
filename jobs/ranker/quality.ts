import type { RowModel } from '#infra/inference/row-model.ts';
import { outcomes, outcomeWeights } from '#schemas/artifacts/ranker.ts';
import { mixedWorth, trust } from '#schemas/features/heuristic.ts';
import { featureCount, knownColumn, outcomeCount, type RankingData } from './dataset.ts';
import { auc, calibrationError, groupAuc, logLoss } from './metrics.ts';

/** Goodness of one prediction on rows that nothing was chosen by. */
export interface OutcomeQuality {
  readonly rows: number;
  /** Share of rows in which it happened. */
  readonly rate: number;
  /** NaN while it always or never happened. */
  readonly auc: number;
  /** AUC within viewers, weighted by their rows. */
  readonly groupAuc: number;
  readonly logLoss: number;
  /** Of always predicting the rate of these very rows: what a model must come near to with less knowledge. */
  readonly logLossOfRate: number;
  readonly calibrationError: number;
}
export type RankerQuality = Readonly<Record<string, OutcomeQuality>>;

const chunk = 4_096;

/** Predictions of a model, rows x outcomes; NaN for what it does not predict. */
export async function predictAll(model: RowModel, data: RankingData): Promise<Float32Array> {
  const out = new Float32Array(data.rows * outcomeCount).fill(Number.NaN);
  for (let from = 0; from < data.rows; from += chunk) {
    const to = Math.min(data.rows, from + chunk);
    const places = Int32Array.from({ length: to - from }, (_, i) => from + i);
    const predicted = await model.predict({ data: data.x, width: featureCount, places });
    outcomes.forEach((outcome, o) => {
      const column = predicted[outcome];
      if (column) for (let i = 0; i < column.length; i++) out[(from + i) * outcomeCount + o] = column[i] as number;
    });
  }
  return out;
}

/** Measures predictions, rows x outcomes, outcome by outcome. */
export function qualityOf(predictions: Float32Array, data: RankingData): RankerQuality {
  return Object.fromEntries(
    outcomes.flatMap((outcome, o) => {
      const { values, rows } = knownColumn(data.y, data, o);
      const predicted = Float32Array.from(rows, (r) => predictions[r * outcomeCount + o] as number);
      if (predicted.some(Number.isNaN)) return [];
      const rate = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
      const groups = Array.from(rows, (r) => data.group[r] as string);
      return [
        [
          outcome,
          {
            rows: rows.length,
            rate,
            auc: auc(predicted, values),
            groupAuc: groupAuc(predicted, values, groups).value,
            logLoss: logLoss(predicted, values),
            logLossOfRate: logLoss(new Float32Array(values.length).fill(rate), values),
            calibrationError: calibrationError(predicted, values),
          },
        ],
      ];
    }),
  );
}

/** Expected worth of each row: predictions by the weights of their outcomes; what is not predicted counts nothing. */
export function worthOf(predictions: Float32Array, rows: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, r) =>
    outcomes.reduce((sum, outcome, o) => {
      const p = predictions[r * outcomeCount + o] as number;
      return Number.isNaN(p) ? sum : sum + outcomeWeights[outcome] * p;
    }, 0),
  );
}

/**
 * How much better than what served a model would order what was served: AUC of the score that serving would give
 * with it, less AUC of the logged score, both against completing. What served has already taken its own best, so
 * that about 0 is as good. `impressions`: how many it learnt from, for a model that has seen few is mixed with the heuristic.
 */
export function gainOver(score: Float32Array, predictions: Float32Array, data: RankingData, impressions: number): number {
  const { values, rows } = knownColumn(data.y, data, 0);
  const worth = worthOf(predictions, data.rows);
  const trusted = trust(impressions);
  const would = Float32Array.from(rows, (r) => mixedWorth(worth[r] as number, data.x.subarray(r * featureCount, (r + 1) * featureCount), trusted));
  const of = (scores: Float32Array) => auc(scores, values);
  return of(would) - of(Float32Array.from(rows, (r) => score[r] as number));
}

/** So few of the rarer class make no measure that a gate should trust. */
const fewest = 10;

/** The one number that versions are compared by: the mean AUC of the outcomes that both happened and did not. */
export function meanAuc(quality: RankerQuality): number {
  const sure = Object.values(quality).filter((q) => Math.min(q.rate, 1 - q.rate) * q.rows >= fewest && Number.isFinite(q.auc));
  return sure.reduce((sum, q) => sum + q.auc, 0) / sure.length;
}
