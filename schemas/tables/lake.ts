import type { HistoryTable } from './table.ts';

/** Where history lies in the object store: `kind/dt=.../hour=.../part-N.parquet`, so that any engine takes over any job. */
export const historyBucket = 'foryou-history';

export const partition = (hour: Date): string => `dt=${hour.toISOString().slice(0, 10)}/hour=${hour.toISOString().slice(11, 13)}`;
export const kindOf = (table: HistoryTable): string => table.contract.topic;
export const partKey = (table: HistoryTable, hour: Date, part: number): string => `${kindOf(table)}/${partition(hour)}/part-${part}.parquet`;
/** Beside the parts, not among them, so that a wildcard over parts finds Parquet alone. */
export const manifestKey = (table: HistoryTable, hour: Date): string => `_manifests/${kindOf(table)}/${partition(hour)}.json`;
export const manifestPrefix = (table: HistoryTable): string => `_manifests/${kindOf(table)}/`;
/** Up to which offset of each partition every row is in some part. */
export const cursorKey = (table: HistoryTable): string => `_cursors/${kindOf(table)}.json`;

/** What an hour of a kind of events consists of. A part is never changed; late events make another. */
export interface HourManifest {
  readonly kind: string;
  readonly hour: string;
  readonly parts: readonly HourPart[];
}
export interface HourPart {
  readonly key: string;
  readonly rows: number;
  /** Sum of the rows' hashes, as decimal text: equal for equal rows in any order. */
  readonly checksum: string;
  /** Per partition of the log: the part holds the hour's rows from `from` up to, not with, `to`. */
  readonly offsets: Readonly<Record<string, readonly [from: number, to: number]>>;
  readonly createdAt: string;
}
