import { ForyouError } from '#infra/errors.ts';
import type { Log } from '#infra/log/log.ts';
import type { Lake } from '#infra/warehouse/lake.ts';
import { type HourManifest, type HourPart, historyBucket, kindOf, manifestKey } from '#schemas/tables/lake.ts';
import { columnName, type HistoryTable, tableColumns } from '#schemas/tables/table.ts';
import type { JobPorts } from '../engine/job.ts';

export interface ExportPorts extends JobPorts {
  readonly log: Log;
  readonly lake: Lake;
}

export type Bounds = Readonly<Record<string, readonly [from: number, to: number]>>;

export const timeColumn = (table: HistoryTable): string => columnName(table.contract.time);
/** Sum of row hashes over every column: the same rows in any order give the same number. */
export const checksum = (table: HistoryTable): string =>
  `toString(sum(cityHash64(${tableColumns(table)
    .map((c) => c.name)
    .join(', ')})))`;
export const structure = (table: HistoryTable): string =>
  tableColumns(table)
    .map((c) => `${c.name} ${c.sql}`)
    .join(', ');

export const hourFilter = (table: HistoryTable, hour: Date): string => {
  const from = hour.getTime();
  return `${timeColumn(table)} >= fromUnixTimestamp64Milli(${from}) AND ${timeColumn(table)} < fromUnixTimestamp64Milli(${from + 3_600_000})`;
};
export const offsetFilter = (bounds: Bounds): string =>
  `(${Object.entries(bounds)
    .map(([p, [from, to]]) => `(log_partition = ${p} AND log_offset >= ${from} AND log_offset < ${to})`)
    .join(' OR ')})`;

export async function readManifest(ports: Pick<ExportPorts, 'blobs'>, table: HistoryTable, hour: Date): Promise<HourManifest> {
  const bytes = await ports.blobs.get(historyBucket, manifestKey(table, hour));
  return bytes ? (JSON.parse(bytes.toString()) as HourManifest) : { kind: kindOf(table), hour: hour.toISOString(), parts: [] };
}

export interface Rows {
  readonly n: number;
  readonly sum: string;
}
const rowsWhere = (table: HistoryTable, hour: Date, bounds: Bounds): string => `${hourFilter(table, hour)} AND ${offsetFilter(bounds)}`;

/** How many rows of an hour lie between these offsets, and their checksum. */
export async function contentOf({ warehouse }: Pick<ExportPorts, 'warehouse'>, table: HistoryTable, hour: Date, bounds: Bounds): Promise<Rows> {
  const [rows] = await warehouse.query<Rows>(`SELECT count() AS n, ${checksum(table)} AS sum FROM ${table.name} WHERE ${rowsWhere(table, hour, bounds)}`);
  return rows ?? { n: 0, sum: '0' };
}

/** Writes these rows as one Parquet object and reads it back: a part counts once it says the same as the table, which has `source`. */
export async function writePart(ports: ExportPorts, table: HistoryTable, key: string, hour: Date, bounds: Bounds, source: Rows): Promise<HourPart> {
  const columns = tableColumns(table).map((c) => c.name);
  const target = ports.lake.location(historyBucket, key, structure(table));
  await ports.warehouse.command(
    `INSERT INTO FUNCTION ${target} SELECT ${columns.join(', ')} FROM ${table.name} WHERE ${rowsWhere(table, hour, bounds)} ORDER BY log_partition, log_offset SETTINGS s3_truncate_on_insert = 1`,
  );
  const [written] = await ports.warehouse.query<Rows>(`SELECT count() AS n, ${checksum(table)} AS sum FROM ${target}`);
  if (written?.n !== source.n || written.sum !== source.sum)
    throw new ForyouError(
      'stack-broken',
      `${key} holds ${written?.n} rows (checksum ${written?.sum}), ${table.name} has ${source.n} (${source.sum}) for that hour`,
      { fix: 'run the job again; the part is not named by any manifest' },
    );
  return { key, rows: source.n, checksum: source.sum, offsets: bounds, createdAt: new Date().toISOString() };
}

/** Up to which offset each partition of the table's topic is stored for good. */
export async function settledOffsets({ log }: ExportPorts, { group, contract }: HistoryTable): Promise<Record<string, number>> {
  const committed = await log.committedOf(group, contract.topic);
  return Object.fromEntries(committed.flatMap(({ partition, offset }) => (offset === null ? [] : [[String(partition), offset]])));
}
