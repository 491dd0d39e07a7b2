import type { HistoryTable } from './table.ts';

/** Where history lies in the object store: `kind/dt=.../hour=.../part-N.parquet`, so that any engine takes over any job. */
export const historyBucket = 'foryou-history';

export const partition = (hour: Date): string => `dt=${hour.toISOString().slice(0, 10)}/hour=${hour.toISOString().slice(11, 13)}`;
export const kindOf = (table: HistoryTable): string => table.contract.topic;
export const partKey = (table: HistoryTable, hour: Date, part: number): string => `${kindOf(table)}/${partition(hour)}/part-${part}.parquet`;
/** The same rows without what was deleted since; the part that it replaces is removed. */
export const redactedKey = (key: string): string => {
  const [, base, times] = /^(.*\/part-\d+)(?:-r(\d+))?\.parquet$/.exec(key) ?? [];
  return `${base}-r${Number(times ?? 0) + 1}.parquet`;
};
export const hourFolder = (table: HistoryTable, hour: Date): string => `${kindOf(table)}/${partition(hour)}/`;
/** Beside the parts, not among them, so that a wildcard over parts finds Parquet alone. */
export const manifestKey = (table: HistoryTable, hour: Date): string => `_manifests/${kindOf(table)}/${partition(hour)}.json`;
export const manifestPrefix = (table: HistoryTable): string => `_manifests/${kindOf(table)}/`;
/** Up to which offset of each partition every row is in some part. */
/** Up to which deletions the parts are without what was deleted. */
export const redactedCursor = '_redacted.json';
export const cursorKey = (table: HistoryTable): string => `_cursors/${kindOf(table)}.json`;

/**
 * What an hour of a kind of events consists of. A part is never changed: late events make another, and after a deletion
 * one without the deleted words takes its place.
 */
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
