import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { signalValueSql } from '#schemas/config/signal-weights.ts';
import { type Matrix, matrixOf } from './matrix.ts';

/** Users, videos and how well each user answered each video. */
export interface Pairs {
  readonly users: readonly string[];
  readonly items: readonly string[];
  readonly matrix: Matrix;
}

/** Answers older than this say little of a taste. */
const days = 60;
/** A worth of 4, such as one like, is one interaction; nobody's love counts more than three. */
const unit = 4;
const most = 3;

/** Pairs of viewer and video that were answered well before `end`, and how well. */
export const answersSql = (
  end: Date,
): string => `SELECT user_id, video_id, toFloat32(least(${most}, sum(${signalValueSql}) / ${unit})) AS weight FROM engagements
     WHERE occurred_at < fromUnixTimestamp64Milli(${end.getTime()}) AND occurred_at >= fromUnixTimestamp64Milli(${end.getTime() - days * 86_400_000})
     GROUP BY user_id, video_id HAVING weight > 0`;

/** What viewers answered well before `end`, from history. The set work is ClickHouse's; numbers arrive as numbers. */
export async function readPairs(warehouse: Warehouse, end: Date, scratch: string): Promise<Pairs> {
  await warehouse.command(`DROP TABLE IF EXISTS ${scratch}`);
  await warehouse.command(`CREATE TABLE ${scratch} ENGINE = MergeTree ORDER BY (user_id, video_id) AS ${answersSql(end)}`);
  try {
    const names = async (column: string) =>
      (await warehouse.query<{ id: string }>(`SELECT DISTINCT ${column} AS id FROM ${scratch} ORDER BY id`)).map((row) => row.id);
    const [users, items] = [await names('user_id'), await names('video_id')];
    const bytes = await warehouse.queryBinary(
      `SELECT toUInt32(dense_rank() OVER (ORDER BY user_id) - 1), toUInt32(dense_rank() OVER (ORDER BY video_id) - 1), weight FROM ${scratch}`,
    );
    return { users, items, matrix: triples(bytes, users.length, items.length) };
  } finally {
    await warehouse.command(`DROP TABLE IF EXISTS ${scratch}`);
  }
}

/** Rows of user, item (32-bit) and weight (float32). */
function triples(bytes: Buffer, users: number, items: number): Matrix {
  // A copy of its own, because a view of words must begin at a multiple of four.
  const copy = new Uint8Array(bytes).buffer;
  const [words, floats] = [new Uint32Array(copy), new Float32Array(copy)];
  const n = words.length / 3;
  const row = new Int32Array(n);
  const column = new Int32Array(n);
  const weight = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    row[i] = words[3 * i] as number;
    column[i] = words[3 * i + 1] as number;
    weight[i] = floats[3 * i + 2] as number;
  }
  return matrixOf(users, items, row, column, weight);
}
