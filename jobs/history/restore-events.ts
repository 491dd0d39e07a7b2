import { ForyouError } from '#infra/errors.ts';
import { historyTables } from '#schemas/tables/history.ts';
import { type HourManifest, type HourPart, historyBucket, kindOf, manifestPrefix } from '#schemas/tables/lake.ts';
import { type HistoryTable, tableColumns } from '#schemas/tables/table.ts';
import type { Job, JobRun } from '../engine/job.ts';
import { checksum, type ExportPorts, hourFilter, offsetFilter, structure } from './parts.ts';

/**
 * Brings one part back, once: what the table has of the part's offsets says whether it is there.
 * A part is inserted as one block, so that a kill leaves all of it or nothing.
 */
async function restorePart(ports: ExportPorts, table: HistoryTable, hour: Date, part: HourPart): Promise<number> {
  const [there] = await ports.warehouse.query<{ n: number }>(
    `SELECT count() AS n FROM ${table.name} WHERE ${hourFilter(table, hour)} AND ${offsetFilter(part.offsets)}`,
  );
  if (there?.n === part.rows) return 0;
  if (there && there.n > 0)
    throw new ForyouError('stack-broken', `${table.name} holds ${there.n} of the ${part.rows} rows of ${part.key}`, {
      fix: `empty the table first: TRUNCATE TABLE ${table.name}, and its rollups`,
    });
  const location = ports.lake.location(historyBucket, part.key, structure(table));
  const [found] = await ports.warehouse.query<{ n: number; sum: string }>(`SELECT count() AS n, ${checksum(table)} AS sum FROM ${location}`);
  if (found?.n !== part.rows || found.sum !== part.checksum)
    throw new ForyouError(
      'artifact-refused',
      `${part.key} holds ${found?.n} rows (checksum ${found?.sum}); its manifest says ${part.rows} (${part.checksum})`,
      {
        fix: 'bring the object back from a backup of the bucket; nothing was inserted from it',
      },
    );
  const columns = tableColumns(table)
    .map((c) => c.name)
    .join(', ');
  await ports.warehouse.command(
    `INSERT INTO ${table.name} (${columns}) SELECT ${columns} FROM ${location} SETTINGS max_threads = 1, max_insert_threads = 1, max_block_size = ${part.rows}, max_insert_block_size = ${part.rows}, min_insert_block_size_rows = ${part.rows}, min_insert_block_size_bytes = 0, input_format_parquet_max_block_size = ${part.rows}`,
  );
  return part.rows;
}

async function restoreTable(ports: ExportPorts, run: JobRun, table: HistoryTable): Promise<{ rows: number; parts: number }> {
  const manifests = await ports.blobs.list(historyBucket, manifestPrefix(table));
  let rows = 0;
  let parts = 0;
  for (const [i, key] of manifests.entries()) {
    const manifest = JSON.parse(((await ports.blobs.get(historyBucket, key)) as Buffer).toString()) as HourManifest;
    for (const part of manifest.parts) {
      run.check();
      const restored = run.dryRun ? part.rows : await restorePart(ports, table, new Date(manifest.hour), part);
      rows += restored;
      if (restored > 0) parts++;
    }
    run.progress(`restore ${table.name}`, i + 1, manifests.length);
  }
  return { rows, parts };
}

export const restoreEvents: Job<ExportPorts> = {
  name: 'restore-events',
  doc: 'Brings history back into ClickHouse from the object store; what is there already stays as it is.',
  schedule: '',
  inputs: historyTables.map((t) => `s3:${historyBucket}/${kindOf(t)}`),
  outputs: historyTables.map((t) => t.name),
  async run(ports, run) {
    let [rows, parts] = [0, 0];
    for (const table of historyTables) {
      const restored = await restoreTable(ports, run, table);
      rows += restored.rows;
      parts += restored.parts;
    }
    return { rows, parts };
  },
};
