import { outcomes } from '#schemas/artifacts/ranker.ts';
import { preRankingFeatures, rankingFeature, rankingFeatures } from '#schemas/features/ranking.ts';

/** Rows of all ranking features and of all outcomes, in time order. */
export interface RankingData {
  readonly rows: number;
  /** rows x `rankingFeatures` */
  readonly x: Float32Array;
  /** rows x `outcomes`, each 0 to 1 */
  readonly y: Float32Array;
  /** rows x `outcomes`: 1 where the outcome is known. */
  readonly known: Float32Array;
  /** Whose row it is, for measures within viewers. */
  readonly group: readonly string[];
}

export const featureCount = rankingFeatures.length;
export const outcomeCount = outcomes.length;

export function slice(data: RankingData, from: number, to: number): RankingData {
  return {
    rows: to - from,
    x: data.x.subarray(from * featureCount, to * featureCount),
    y: data.y.subarray(from * outcomeCount, to * outcomeCount),
    known: data.known.subarray(from * outcomeCount, to * outcomeCount),
    group: data.group.slice(from, to),
  };
}

/** Per feature what makes it about standard normal: the logarithm of 1 + |x| with its sign, then mean and spread. */
export interface Scaling {
  readonly mean: Float32Array;
  /** 1 / standard deviation; 0 for a feature that never changes, which then says nothing. */
  readonly inverse: Float32Array;
}
/** Further out than this many deviations nothing more is learnt. */
export const clip = 5;

const compress = (x: number): number => Math.sign(x) * Math.log1p(Math.abs(x));

export function scalingOf({ rows, x }: RankingData): Scaling {
  const mean = new Float64Array(featureCount);
  const square = new Float64Array(featureCount);
  for (let r = 0; r < rows; r++)
    for (let f = 0; f < featureCount; f++) {
      const v = compress(x[r * featureCount + f] as number);
      mean[f] = (mean[f] as number) + v / rows;
      square[f] = (square[f] as number) + (v * v) / rows;
    }
  const inverse = Float32Array.from(square, (s, f) => {
    const variance = s - (mean[f] as number) ** 2;
    return variance > 1e-10 ? 1 / Math.sqrt(variance) : 0;
  });
  return { mean: Float32Array.from(mean), inverse };
}

export function scaled({ x }: RankingData, { mean, inverse }: Scaling): Float32Array {
  const out = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const f = i % featureCount;
    out[i] = Math.max(-clip, Math.min(clip, (compress(x[i] as number) - (mean[f] as number)) * (inverse[f] as number)));
  }
  return out;
}

const preRankingPlaces = Int32Array.from(preRankingFeatures, rankingFeature);
/** The columns that a pre-ranker sees, of rows of all features. */
export function preRankingColumns(x: Float32Array): Float32Array {
  const width = preRankingPlaces.length;
  const out = new Float32Array((x.length / featureCount) * width);
  for (let r = 0; r < out.length / width; r++)
    for (let c = 0; c < width; c++) out[r * width + c] = x[r * featureCount + (preRankingPlaces[c] as number)] as number;
  return out;
}

/** One outcome's column where it is known, with the rows it was taken from. */
export function knownColumn(values: Float32Array, data: RankingData, outcome: number): { values: Float32Array; rows: Int32Array } {
  const rows = Int32Array.from({ length: data.rows }, (_, i) => i).filter((r) => data.known[r * outcomeCount + outcome] === 1);
  return { values: Float32Array.from(rows, (r) => values[r * outcomeCount + outcome] as number), rows };
}
