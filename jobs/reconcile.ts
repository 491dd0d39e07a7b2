import type { Log } from '#infra/log/log.ts';
import type { OnlineStore } from '#infra/online/online.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { historyTables } from '#schemas/tables/history.ts';
import type { Job, JobPorts } from './engine/job.ts';

export interface ReconcilePorts extends JobPorts {
  readonly log: Log;
  readonly online: OnlineStore;
}

const sample = 2_000;

/** Rows that a view and its recomputation do not share. */
export async function rollupDifferences(warehouse: JobPorts['warehouse']): Promise<number> {
  let differences = 0;
  for (const rollup of historyTables.flatMap((t) => t.rollups)) {
    const [row] = await warehouse.query<{ n: number }>(
      `SELECT count() AS n FROM ((${rollup.select}) EXCEPT (${rollup.read})) UNION ALL SELECT count() AS n FROM ((${rollup.read}) EXCEPT (${rollup.select}))`,
    );
    differences += row?.n ?? 0;
  }
  return differences;
}

/** Sum over sampled videos of the distance between online watch counts and distinct event ids in history. */
export async function onlineDifference(ports: Pick<ReconcilePorts, 'warehouse' | 'online'>): Promise<number> {
  const rows = await ports.warehouse.query<{ video_id: string; n: number }>(
    `SELECT video_id, uniqExact(event_id) AS n FROM engagements WHERE kind = 'watch' GROUP BY video_id ORDER BY n DESC LIMIT ${sample}`,
  );
  const values = await ports.online.values(
    videoView,
    rows.map((r) => r.video_id),
  );
  return rows.reduce((sum, row, i) => sum + Math.abs(Math.round(readPackedRow(videoView, values[i] ?? null, Date.now()).watches_all) - row.n), 0);
}

export async function duplicateRows(warehouse: JobPorts['warehouse']): Promise<number> {
  const [row] = await warehouse.query<{ n: number }>('SELECT count() - uniqExact(event_id) AS n FROM engagements');
  return row?.n ?? 0;
}

/** Holds the platform's promises against what is stored; while events flow, online and history differ by what is on its way. */
export const reconcile: Job<ReconcilePorts> = {
  name: 'reconcile',
  doc: 'Checks that events count once, that views equal their recomputation and that online counters equal history.',
  schedule: '5 * * * *',
  inputs: ['engagements', 'online:video'],
  outputs: [],
  async run({ warehouse, online }) {
    return {
      duplicateRows: await duplicateRows(warehouse),
      rollupDifferences: await rollupDifferences(warehouse),
      onlineDifference: await onlineDifference({ warehouse, online }),
    };
  },
};
