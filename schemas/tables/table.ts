import type { EventContract, Field } from '../events/contract.ts';

/** A history table: the raw events of one contract, as ClickHouse stores them. */
export interface HistoryTable {
  readonly name: string;
  readonly contract: EventContract;
  /** Consumer group that fills it: what the group has committed is in the table for good. */
  readonly group: string;
  readonly orderBy: string;
  /** Aggregating views that the table feeds; `targetSelect` recomputes one from the table alone. */
  readonly rollups: readonly Rollup[];
}

/** A materialised view: inserts into the history table are summed into `name` as they arrive. */
export interface Rollup {
  readonly name: string;
  readonly columns: string;
  readonly orderBy: string;
  /** SELECT over the table; also the recomputation that the view must always equal. */
  readonly select: string;
  /** Sums the partial rows of the target, in the same column order as `select`. */
  readonly read: string;
}

/** Columns that the platform adds in front of the producer's fields: where in the log a row came from. */
export const originColumns = [
  { name: 'log_partition', sql: 'UInt16' },
  { name: 'log_offset', sql: 'UInt64' },
  { name: 'appended_at', sql: "DateTime64(3, 'UTC')" },
] as const;

/** `watchedMs` in contracts is `watched_ms` in tables. */
export const columnName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const lowCardinality = new Set(['topic', 'region', 'arm', 'scorer', 'reason']);

function sqlType(name: string, field: Field): string {
  switch (field.type) {
    case 'string':
      return lowCardinality.has(name) ? 'LowCardinality(String)' : 'String';
    case 'enum':
      return 'LowCardinality(String)';
    case 'strings':
      return 'Array(String)';
    case 'double':
      return 'Float64';
    case 'int':
      return 'Int32';
    case 'long':
      return field.logical ? "DateTime64(3, 'UTC')" : 'Int64';
  }
}

/** A record of an older schema lacks the field: the table gives it the contract's fallback. */
const sqlDefault = (field: Field): string =>
  typeof field.fallback === 'string' ? ` DEFAULT '${field.fallback}'` : typeof field.fallback === 'number' ? ` DEFAULT ${field.fallback}` : '';

/**
 * How many recent inserts each table remembers for deduplication. It must stand on every
 * materialised view's target too, or a repeated insert counts twice there.
 */
const dedupWindow = 10_000;

const mergeTree = (engine: string, orderBy: string): string =>
  `ENGINE = ${engine} ORDER BY (${orderBy}) SETTINGS non_replicated_deduplication_window = ${dedupWindow}`;

/** Every column of a table with its SQL type, in order. */
export const tableColumns = (table: HistoryTable): { readonly name: string; readonly sql: string }[] => [
  ...originColumns.map((c) => ({ name: c.name, sql: c.sql })),
  ...Object.entries(table.contract.fields).map(([name, field]) => ({ name: columnName(name), sql: sqlType(name, field) })),
];

/** The statements that create a table and its rollups; each may run again without harm. */
export function createStatements(table: HistoryTable): string[] {
  const fields = Object.entries(table.contract.fields).map(([name, field]) => `${columnName(name)} ${sqlType(name, field)}${sqlDefault(field)}`);
  const columns = [...originColumns.map((c) => `${c.name} ${c.sql}`), ...fields];
  const time = columnName(table.contract.time);
  return [
    `CREATE TABLE IF NOT EXISTS ${table.name} (${columns.join(', ')}) ENGINE = MergeTree PARTITION BY toYYYYMM(${time}) ORDER BY (${table.orderBy}) SETTINGS non_replicated_deduplication_window = ${dedupWindow}`,
    // A contract only ever gains fields: a table of an earlier release gains them too.
    `ALTER TABLE ${table.name} ${fields.map((field) => `ADD COLUMN IF NOT EXISTS ${field}`).join(', ')}`,
    ...table.rollups.flatMap((rollup) => [
      `CREATE TABLE IF NOT EXISTS ${rollup.name} (${rollup.columns}) ${mergeTree('SummingMergeTree', rollup.orderBy)}`,
      `CREATE MATERIALIZED VIEW IF NOT EXISTS ${rollup.name}_mv TO ${rollup.name} AS ${rollup.select}`,
    ]),
  ];
}
