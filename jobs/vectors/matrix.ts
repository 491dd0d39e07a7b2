/**
 * Interactions as a compressed sparse row matrix: the entries of row r are at
 * `start[r]` to `start[r + 1]`. Arrays are shared memory, so that worker threads read them without a copy.
 */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** rows + 1 offsets. */
  readonly start: Int32Array;
  /** Column of each entry, ascending within a row. */
  readonly column: Int32Array;
  /** Confidence of each entry, above 0. */
  readonly weight: Float32Array;
}

export const sharedInts = (length: number): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4 * length));
export const sharedFloats = (length: number): Float32Array<SharedArrayBuffer> => new Float32Array(new SharedArrayBuffer(4 * length));

/** From triples in any order; the weights of a repeated pair add up. */
export function matrixOf(rows: number, columns: number, row: ArrayLike<number>, column: ArrayLike<number>, weight: ArrayLike<number> | null): Matrix {
  const byColumn = place(columns, column, row, weight);
  // Placing by column first leaves each row's columns ascending.
  const sorted = placeTransposed(rows, columns, byColumn);
  return mergeRepeats({ rows, columns, ...sorted });
}

export function transpose(m: Matrix): Matrix {
  const row = new Int32Array(m.column.length);
  for (let r = 0; r < m.rows; r++) row.fill(r, m.start[r], m.start[r + 1]);
  return { rows: m.columns, columns: m.rows, ...place(m.columns, m.column, row, m.weight) };
}

type Parts = Pick<Matrix, 'start' | 'column' | 'weight'>;

function place(count: number, key: ArrayLike<number>, other: ArrayLike<number>, weight: ArrayLike<number> | null): Parts {
  const start = sharedInts(count + 1);
  for (let i = 0; i < key.length; i++) (start[(key[i] as number) + 1] as number)++;
  for (let i = 0; i < count; i++) (start[i + 1] as number) += start[i] as number;
  const next = start.slice(0, count);
  const column = sharedInts(key.length);
  const weights = sharedFloats(key.length);
  for (let i = 0; i < key.length; i++) {
    const at = next[key[i] as number] as number;
    next[key[i] as number] = at + 1;
    column[at] = other[i] as number;
    weights[at] = weight ? (weight[i] as number) : 1;
  }
  return { start, column, weight: weights };
}

function placeTransposed(rows: number, columns: number, byColumn: Parts): Parts {
  const column = new Int32Array(byColumn.column.length);
  for (let c = 0; c < columns; c++) column.fill(c, byColumn.start[c], byColumn.start[c + 1]);
  return place(rows, byColumn.column, column, byColumn.weight);
}

function mergeRepeats(m: Matrix): Matrix {
  const { rows, columns, start, column, weight } = m;
  const merged = sharedInts(rows + 1);
  let to = 0;
  for (let r = 0; r < rows; r++) {
    const begin = to;
    for (let i = start[r] as number; i < (start[r + 1] as number); i++) {
      if (to > begin && column[to - 1] === column[i]) (weight[to - 1] as number) += weight[i] as number;
      else {
        column[to] = column[i] as number;
        weight[to++] = weight[i] as number;
      }
    }
    merged[r + 1] = to;
  }
  return { rows, columns, start: merged, column: column.subarray(0, to), weight: weight.subarray(0, to) };
}
