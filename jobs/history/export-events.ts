import { ForyouError } from '#infra/errors.ts';
import type { Log } from '#infra/log/log.ts';
import type { Lake } from '#infra/warehouse/lake.ts';
import { historyTables } from '#schemas/tables/history.ts';
import { cursorKey, type HourManifest, type HourPart, historyBucket, kindOf, manifestKey, partKey } from '#schemas/tables/lake.ts';
import { columnName, type HistoryTable, tableColumns } from '#schemas/tables/table.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';

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

/**
 * Writes an hour of one table as Parquet. The manifest says up to which offsets its parts reach; rows
 * beyond them, on time or late, make the next part. A run that was killed left no manifest for its
 * part, and the next run writes the same name again: nobody counts what no manifest names.
 */
async function exportHour(ports: ExportPorts, run: JobRun, table: HistoryTable, hour: Date, settled: Readonly<Record<string, number>>): Promise<number> {
  const manifest = await readManifest(ports, table, hour);
  const reached = (p: string): number => Math.max(0, ...manifest.parts.map((part) => part.offsets[p]?.[1] ?? 0));
  const bounds = Object.fromEntries(Object.entries(settled).map(([p, to]) => [p, [reached(p), to] as const]));
  const where = `${hourFilter(table, hour)} AND ${offsetFilter(bounds)}`;
  const [source] = await ports.warehouse.query<{ n: number; sum: string }>(`SELECT count() AS n, ${checksum(table)} AS sum FROM ${table.name} WHERE ${where}`);
  if (!source || source.n === 0 || run.dryRun) return source?.n ?? 0;
  const key = partKey(table, hour, manifest.parts.length);
  const columns = tableColumns(table).map((c) => c.name);
  await ports.warehouse.command(
    `INSERT INTO FUNCTION ${ports.lake.location(historyBucket, key, structure(table))} SELECT ${columns.join(', ')} FROM ${table.name} WHERE ${where} ORDER BY log_partition, log_offset SETTINGS s3_truncate_on_insert = 1`,
  );
  const [written] = await ports.warehouse.query<{ n: number; sum: string }>(
    `SELECT count() AS n, ${checksum(table)} AS sum FROM ${ports.lake.location(historyBucket, key, structure(table))}`,
  );
  if (written?.n !== source.n || written.sum !== source.sum)
    throw new ForyouError(
      'stack-broken',
      `${key} holds ${written?.n} rows (checksum ${written?.sum}), ${table.name} has ${source.n} (${source.sum}) for that hour`,
      {
        fix: 'run the job again; the part is not named by any manifest',
      },
    );
  const part: HourPart = { key, rows: source.n, checksum: source.sum, offsets: bounds, createdAt: new Date().toISOString() };
  run.check();
  await ports.blobs.put(historyBucket, manifestKey(table, hour), Buffer.from(JSON.stringify({ ...manifest, parts: [...manifest.parts, part] })));
  return source.n;
}

/** Up to which offset each partition of the table's topic is stored for good. */
async function settledOffsets({ log }: ExportPorts, { group, contract }: HistoryTable): Promise<Record<string, number>> {
  const committed = await log.committedOf(group, contract.topic);
  return Object.fromEntries(committed.flatMap(({ partition, offset }) => (offset === null ? [] : [[String(partition), offset]])));
}

/**
 * Writes what was stored since the last run that came to its end, each row to its own hour. The cursor
 * moves last: after a kill, or an outage of days, the next run begins where the last whole one ended.
 */
async function exportTable(ports: ExportPorts, run: JobRun, table: HistoryTable): Promise<{ rows: number; parts: number }> {
  const settled = await settledOffsets(ports, table);
  if (Object.keys(settled).length === 0) return { rows: 0, parts: 0 };
  const bytes = await ports.blobs.get(historyBucket, cursorKey(table));
  const cursor = bytes ? (JSON.parse(bytes.toString()) as Record<string, number>) : {};
  const since = Object.fromEntries(Object.entries(settled).map(([p, to]) => [p, [cursor[p] ?? 0, to] as const]));
  const hours = await ports.warehouse.query<{ hour: number }>(
    `SELECT DISTINCT toUnixTimestamp(toStartOfHour(${timeColumn(table)})) AS hour FROM ${table.name} WHERE ${offsetFilter(since)} ORDER BY hour`,
  );
  let [rows, parts] = [0, 0];
  for (const [i, { hour }] of hours.entries()) {
    const n = await exportHour(ports, run, table, new Date(hour * 1000), settled);
    rows += n;
    if (n > 0) parts++;
    run.progress(`export ${table.name}`, i + 1, hours.length);
  }
  run.check();
  if (!run.dryRun) await ports.blobs.put(historyBucket, cursorKey(table), Buffer.from(JSON.stringify(settled)));
  return { rows, parts };
}

export const exportEvents: Job<ExportPorts> = {
  name: 'export-events',
  doc: 'Writes history as Parquet to the object store, each event to its own hour, late ones too.',
  schedule: '2 * * * *',
  inputs: historyTables.map((t) => t.name),
  outputs: historyTables.map((t) => `s3:${historyBucket}/${kindOf(t)}`),
  async run(ports, run) {
    let [rows, parts] = [0, 0];
    for (const table of historyTables) {
      const written = await exportTable(ports, run, table);
      rows += written.rows;
      parts += written.parts;
    }
    return { rows, parts };
  },
};
