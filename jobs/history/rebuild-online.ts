import { ForyouError } from '#infra/errors.ts';
import type { ViewCatalog } from '#infra/online/delta.ts';
import { type Mark, type OnlineStore, offsetOf, writeMark } from '#infra/online/online.ts';
import { type OnlineFeed, onlineFeeds } from '#schemas/features/views/index.ts';
import { historyTables } from '#schemas/tables/history.ts';
import type { HistoryTable } from '#schemas/tables/table.ts';
import type { Job, JobRun } from '../engine/job.ts';
import { deltasOf } from './deltas.ts';
import { eventsFrom } from './events.ts';
import type { ExportPorts } from './parts.ts';

export interface RebuildPorts extends ExportPorts {
  readonly online: OnlineStore;
  readonly catalog: ViewCatalog;
}

const chunk = 20_000;

/**
 * Feeds one partition's history to the online store as its topology would have done from the log:
 * deltas and watermarks move together, so that a run that was killed goes on where it stood, and the
 * topology goes on behind it.
 */
async function rebuildPartition(ports: RebuildPorts, run: JobRun, feed: OnlineFeed, table: HistoryTable, partition: number): Promise<number> {
  const { online, catalog } = ports;
  const source = { group: feed.group, topic: feed.contract.topic, partition };
  const watermarks = await online.watermarks(source);
  let rows = 0;
  for (let from = Math.min(...watermarks.flat()); ; ) {
    run.check();
    const events = await eventsFrom(ports.warehouse, table, partition, from, chunk);
    const last = events.at(-1);
    if (!last) return rows;
    const to = last.offset + 1;
    const deltas = deltasOf(events, feed.views, catalog, online.shards, (slot, offset) => offset >= offsetOf(watermarks, slot));
    for (const [shard, delta] of deltas.entries()) {
      const before = watermarks[shard] as Mark;
      const after = before.map((offset) => Math.max(offset, to));
      if (writeMark(before) === writeMark(after)) continue;
      if ((await online.merge(shard, [{ source, expected: before, to: after }], delta)) === 'conflict')
        throw new ForyouError('fenced', `the topology of ${feed.group} writes at the same time`, {
          fix: 'stop the online topologies first: they go on from where this ends',
        });
      watermarks[shard] = after;
    }
    rows += events.length;
    from = to;
  }
}

export const rebuildOnline: Job<RebuildPorts> = {
  name: 'rebuild-online',
  doc: 'Brings an empty Redis back from history; the online topologies must be stopped meanwhile.',
  schedule: '',
  inputs: onlineFeeds.map((f) => tableOf(f).name),
  outputs: onlineFeeds.flatMap((f) => f.views.map((v) => `online:${v.name}`)),
  async run(ports, run) {
    await ports.online.open({ clusterId: await ports.log.clusterId() });
    let rows = 0;
    for (const [i, feed] of onlineFeeds.entries()) {
      const table = tableOf(feed);
      const partitions = await ports.warehouse.query<{ p: number; n: number }>(`SELECT log_partition AS p, count() AS n FROM ${table.name} GROUP BY p`);
      for (const { p, n } of partitions) rows += run.dryRun ? n : await rebuildPartition(ports, run, feed, table, p);
      run.progress(`rebuild ${feed.group}`, i + 1, onlineFeeds.length);
    }
    return { rows };
  },
};

function tableOf({ contract }: OnlineFeed): HistoryTable {
  return historyTables.find((t) => t.contract === contract) as HistoryTable;
}
