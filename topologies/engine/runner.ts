import { ForyouError } from '#infra/errors.ts';
import type { LogConsumer, PartitionHandler, PartitionLease } from '#infra/log/log.ts';
import type { Row } from './avro-reader.ts';
import { DecisionSink } from './decision-sink.ts';
import { FairQueue } from './fair-queue.ts';
import { HistorySink } from './history-sink.ts';
import { MergeGroup } from './merge-group.ts';
import { OnlineSink } from './online-sink.ts';
import { PartitionWorker } from './partition.ts';
import type { PartitionSink, Services } from './services.ts';
import type { Topology } from './topology.ts';
import { WorkSink } from './work-sink.ts';

export interface RunningTopology {
  readonly name: string;
  /** Lets the current batches end, gives the partitions back, and returns. */
  stop(): Promise<void>;
  /** Rejects when the topology cannot go on: the process must end. */
  readonly failed: Promise<never>;
}

/** What all partitions of one run share. */
interface Run {
  readonly epoch: string;
  readonly queue: FairQueue;
  readonly stopping: AbortSignal;
  /** What feeds the online store: all partitions of this process together. */
  readonly group: MergeGroup | null;
}

/**
 * Of one partition. No less than a broker takes as one batch (1 MiB): it gives a batch that is longer than this to the first
 * partition of a fetch only, and the others would wait until that one has nothing left.
 */
const fetchBytes = 1_100_000;

function sinkOf(topology: Topology, services: Services, partition: number, lease: PartitionLease, run: Run): PartitionSink<Row> {
  const { sink } = topology;
  switch (sink.kind) {
    case 'rows':
      return new HistorySink(topology, sink.table, services, partition, lease, run.epoch);
    case 'features':
      return new OnlineSink(topology, services, partition, lease, run.group as MergeGroup);
    case 'decisions':
      return new DecisionSink(topology, sink.decider, services, partition, lease);
    case 'work':
      return new WorkSink(topology, sink.work, services, { partition, lease }, run);
  }
}

/** The engine alone polls, batches, meters, flushes and commits; topologies only say what. */
export async function runTopology(topology: Topology, services: Services): Promise<RunningTopology> {
  const workers = new Map<number, PartitionWorker>();
  const epoch = await services.log.clusterId();
  const stopping = new AbortController();
  const run = {
    epoch,
    queue: new FairQueue(topology.sink.kind === 'work' ? topology.sink.work.concurrency : 1),
    stopping: stopping.signal,
    group: topology.sink.kind === 'features' ? new MergeGroup(topology, topology.sink.views, services) : null,
  };
  if (topology.sink.kind === 'features') await services.online.open({ clusterId: epoch });
  const { settings } = services;
  const flushed = new Map<number, number>();

  /** Whose flushes stand apart from each other, and for how long. */
  const pacing = (partition: number) => {
    switch (topology.sink.kind) {
      case 'rows':
        return { turn: partition, pauseMs: settings.insertMs };
      case 'features':
        return { turn: -1, pauseMs: settings.flushMs };
      default:
        return { turn: partition, pauseMs: 0 };
    }
  };

  const handler: PartitionHandler = {
    async assigned(partition, lease) {
      const worker = new PartitionWorker(topology, services, partition, lease, sinkOf(topology, services, partition, lease, run));
      workers.set(partition, worker);
      return worker.start();
    },
    async records(partition, records, end) {
      // Near the end of the log a pause between flushes makes fewer of them; far behind it nobody waits.
      const { turn, pauseMs } = pacing(partition);
      const atEnd = (records.at(-1)?.offset ?? 0) + 1 >= end;
      const wait = atEnd ? (flushed.get(turn) ?? 0) + pauseMs - Date.now() : 0;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      await workers.get(partition)?.records(records, end);
      flushed.set(turn, Date.now());
    },
    revoked(partition) {
      workers.delete(partition);
    },
  };

  // A store that answers late is no news here: the next record or the next check meets it.
  const idle = setInterval(() => workers.forEach((worker) => void worker.checkWhileIdle(1_000).catch(() => {})), 1_000);
  const consumer: LogConsumer = await services.log.consume(
    { group: topology.name, topic: topology.source.topic, maxWaitMs: 500, maxBytes: fetchBytes },
    handler,
  );
  const stop = async () => {
    clearInterval(idle);
    stopping.abort(new ForyouError('unavailable', 'this process ends'));
    await consumer.stop();
    await run.queue.idle();
  };
  return { name: topology.name, stop, failed: consumer.failed };
}
