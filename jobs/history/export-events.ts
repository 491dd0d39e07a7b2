import { historyTables } from '#schemas/tables/history.ts';
import { cursorKey, historyBucket, kindOf, manifestKey, partKey } from '#schemas/tables/lake.ts';
import type { HistoryTable } from '#schemas/tables/table.ts';
import type { Job, JobRun } from '../engine/job.ts';
import { contentOf, type ExportPorts, offsetFilter, readManifest, settledOffsets, timeColumn, writePart } from './parts.ts';
import { redactErased } from './redact-erased.ts';

/**
 * Writes an hour of one table as Parquet. The manifest says up to which offsets its parts reach; rows
 * beyond them, on time or late, make the next part. A run that was killed left no manifest for its
 * part, and the next run writes the same name again: nobody counts what no manifest names.
 */
async function exportHour(ports: ExportPorts, run: JobRun, table: HistoryTable, hour: Date, settled: Readonly<Record<string, number>>): Promise<number> {
  const manifest = await readManifest(ports, table, hour);
  const reached = (p: string): number => Math.max(0, ...manifest.parts.map((part) => part.offsets[p]?.[1] ?? 0));
  const bounds = Object.fromEntries(Object.entries(settled).map(([p, to]) => [p, [reached(p), to] as const]));
  const content = await contentOf(ports, table, hour, bounds);
  if (content.n === 0 || run.dryRun) return content.n;
  const part = await writePart(ports, table, partKey(table, hour, manifest.parts.length), hour, bounds, content);
  run.check();
  await ports.blobs.put(historyBucket, manifestKey(table, hour), Buffer.from(JSON.stringify({ ...manifest, parts: [...manifest.parts, part] })));
  return content.n;
}

/** Hours under way at the same time: most of an hour is waiting for the object store. */
const atOnce = 4;

/** Waits for all of them also when one fails: nothing goes on behind a run that has ended. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
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
  let done = 0;
  const exported = async ({ hour }: { readonly hour: number }): Promise<void> => {
    const n = await exportHour(ports, run, table, new Date(hour * 1000), settled);
    rows += n;
    if (n > 0) parts++;
    run.progress(`export ${table.name}`, ++done, hours.length);
  };
  for (let i = 0; i < hours.length; i += atOnce) await allEnded(hours.slice(i, i + atOnce).map(exported));
  run.check();
  if (!run.dryRun) await ports.blobs.put(historyBucket, cursorKey(table), Buffer.from(JSON.stringify(settled)));
  return { rows, parts };
}

export const exportEvents: Job<ExportPorts> = {
  name: 'export-events',
  doc: 'Writes history as Parquet to the object store, each event to its own hour, late ones too; what creators deleted goes from parts that have it.',
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
    return { rows, parts, redacted: await redactErased(ports, run) };
  },
};
