import { Matrix, solve } from 'ml-matrix';

export interface RidgeModel {
  predict(row: readonly number[]): number;
}

/** Linear regression with squared weights held small (Hoerl, Kennard, 1970), on columns of mean 0 and spread 1. */
export function fitRidge(rows: readonly (readonly number[])[], y: readonly number[], penalty = 1): RidgeModel {
  const width = rows[0]?.length ?? 0;
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const columns = Array.from({ length: width }, (_, c) => rows.map((r) => r[c] as number));
  const centre = columns.map(mean);
  const spread = columns.map((column, c) => Math.sqrt(mean(column.map((v) => (v - (centre[c] as number)) ** 2))) || 1);
  const scaled = (row: readonly number[]) => row.map((v, c) => (v - (centre[c] as number)) / (spread[c] as number));
  const offset = mean(y);
  const x = new Matrix(rows.map(scaled));
  const gram = x.transpose().mmul(x).add(Matrix.eye(width).mul(penalty));
  const target = Matrix.columnVector(y.map((v) => v - offset));
  const weights = solve(gram, x.transpose().mmul(target)).to1DArray();
  return { predict: (row) => offset + scaled(row).reduce((sum, v, c) => sum + v * (weights[c] as number), 0) };
}
