import { erasable, erasures } from '#schemas/tables/erasure.ts';
import { type HourManifest, historyBucket, hourFolder, manifestKey, redactedCursor, redactedKey } from '#schemas/tables/lake.ts';
import type { HistoryTable } from '#schemas/tables/table.ts';
import type { JobRun } from '../engine/job.ts';
import { contentOf, type ExportPorts, offsetFilter, readManifest, settledOffsets, timeColumn, writePart } from './parts.ts';

/**
 * Parts that hold words of videos that were deleted since the last run are written again from the table, which has
 * forgotten them; the manifest then names the new part, and the old one is removed. A run that was killed between is
 * done again: what no manifest names is removed too. Returns how many parts were replaced.
 */
export async function redactErased(ports: ExportPorts, run: JobRun): Promise<number> {
  const bytes = await ports.blobs.get(historyBucket, redactedCursor);
  const cursor = bytes ? (JSON.parse(bytes.toString()) as Record<string, number>) : {};
  const settled = await settledOffsets(ports, erasures);
  const since = Object.fromEntries(Object.entries(settled).flatMap(([p, to]) => ((cursor[p] ?? 0) < to ? [[p, [cursor[p] ?? 0, to] as const]] : [])));
  if (Object.keys(since).length === 0 || run.dryRun) return 0;
  let replaced = 0;
  for (const { table } of erasable) {
    const hours = await ports.warehouse.query<{ hour: number }>(
      `SELECT DISTINCT toUnixTimestamp(toStartOfHour(${timeColumn(table)})) AS hour FROM ${table.name}
       WHERE video_id IN (SELECT video_id FROM ${erasures.name} WHERE ${offsetFilter(since)}) ORDER BY hour`,
    );
    for (const { hour } of hours) replaced += await redactHour(ports, run, table, new Date(1_000 * hour));
  }
  run.check();
  await ports.blobs.put(historyBucket, redactedCursor, Buffer.from(JSON.stringify({ ...cursor, ...settled })));
  return replaced;
}

async function redactHour(ports: ExportPorts, run: JobRun, table: HistoryTable, hour: Date): Promise<number> {
  const manifest = await readManifest(ports, table, hour);
  const parts: HourManifest['parts'][number][] = [];
  let replaced = 0;
  for (const part of manifest.parts) {
    const content = await contentOf(ports, table, hour, part.offsets);
    // A table that lacks rows is not the truth about them: what was exported stays.
    const stale = content.n === part.rows && content.sum !== part.checksum;
    parts.push(stale ? await writePart(ports, table, redactedKey(part.key), hour, part.offsets, content) : part);
    if (stale) replaced++;
  }
  run.check();
  if (replaced > 0) await ports.blobs.put(historyBucket, manifestKey(table, hour), Buffer.from(JSON.stringify({ ...manifest, parts })));
  const named = new Set(parts.map((part) => part.key));
  for (const key of await ports.blobs.list(historyBucket, hourFolder(table, hour))) if (!named.has(key)) await ports.blobs.remove(historyBucket, key);
  return replaced;
}
