import type { Consumer, EachBatchPayload } from 'kafkajs';
import { ForyouError } from '../errors.ts';
import { fromMessage } from './kafka-message.ts';
import type { Committed, LogConsumer, PartitionHandler, PartitionLease } from './log.ts';

/** A member whose lease was lost is in the group again by then, or its process ends. */
const rejoinWithinMs = 15_000;

type CommittedOf = (group: string, topic: string) => Promise<readonly (Committed & { partition: number })[]>;

/**
 * One group member. kafkajs hands over fetched batches; this class adds what it lacks: leases that
 * end with the generation, a start offset that the sink chooses, and heartbeats while work runs.
 */
export class KafkaConsumer implements LogConsumer {
  readonly failed: Promise<never>;
  readonly #consumer: Consumer;
  readonly #group: string;
  readonly #topic: string;
  readonly #handler: PartitionHandler;
  readonly #committedOf: CommittedOf;
  readonly #leases = new Map<number, Lease>();
  readonly #running = new Set<Promise<void>>();
  #fail!: (error: Error) => void;
  #stopping = false;

  private constructor(consumer: Consumer, group: string, topic: string, handler: PartitionHandler, committedOf: CommittedOf) {
    this.#consumer = consumer;
    this.#group = group;
    this.#topic = topic;
    this.#handler = handler;
    this.#committedOf = committedOf;
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  static async start(consumer: Consumer, group: string, topic: string, handler: PartitionHandler, committedOf: CommittedOf): Promise<KafkaConsumer> {
    const self = new KafkaConsumer(consumer, group, topic, handler, committedOf);
    const { events } = consumer;
    consumer.on(events.CRASH, (e) => self.#fail(e.payload.error));
    consumer.on(events.REBALANCING, () => self.#revokeAll());
    consumer.on(events.GROUP_JOIN, (e) => self.#joined(e.payload.memberAssignment[topic] ?? []));
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 64,
      eachBatch: (payload) => self.#track(self.#batch(payload)),
    });
    return self;
  }

  #track(work: Promise<void>): Promise<void> {
    this.#running.add(work);
    const done = () => this.#running.delete(work);
    work.then(done, done);
    return work;
  }

  #revokeAll(): void {
    for (const [partition, lease] of this.#leases) {
      lease.lost = true;
      this.#handler.revoked(partition);
    }
    this.#leases.clear();
  }

  #joined(partitions: readonly number[]): void {
    this.#revokeAll();
    // Work of the last generation ends before the new one begins: no partition has two owners in here.
    const before = Promise.allSettled([...this.#running]);
    for (const partition of partitions) {
      const lease = new Lease(this.#consumer, this.#topic, partition, () => this.#committedPartition(partition));
      lease.start = before
        .then(() => this.#handler.assigned(partition, lease))
        .then((offset) => {
          if (!lease.lost) lease.seek(offset);
          return offset;
        });
      lease.start.catch((error) => lease.lost || this.#fail(error));
      this.#leases.set(partition, lease);
    }
  }

  async #committedPartition(partition: number): Promise<Committed> {
    const all = await this.#committedOf(this.#group, this.#topic);
    return all.find((p) => p.partition === partition) ?? { offset: null, metadata: '' };
  }

  async #batch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, resolveOffset, isStale, isRunning } = payload;
    const lease = this.#leases.get(batch.partition);
    if (lease) lease.member = payload;
    if (!lease || isStale() || !isRunning()) return;
    if (lease.lost) {
      // The heartbeat meets the rebalance and joins again; a member that cannot must not live on without work.
      lease.lostAt ??= Date.now();
      if (Date.now() - lease.lostAt > rejoinWithinMs)
        this.#fail(new ForyouError('fenced', `partition ${batch.partition} was lost and the group not joined again`));
      await pause(50);
      return heartbeat();
    }
    let beatFailed: unknown;
    const timer = setInterval(() => {
      heartbeat().catch((error) => {
        // A broker that does not answer is waited out; only a new generation ends the lease.
        if (!isFenced(error)) return;
        beatFailed = error;
        lease.lost = true;
        this.#handler.revoked(batch.partition);
      });
    }, 1_000);
    try {
      await lease.start;
      // A seek, by the assignment or by somebody else meanwhile, makes what was fetched before it stale.
      if (lease.lost || isStale()) return;
      const records = [];
      for (const message of batch.messages) {
        const record = fromMessage(message);
        if (record.offset >= lease.next) records.push(record);
      }
      const last = Number(batch.lastOffset());
      if (records.length > 0) {
        lease.next = last + 1;
        await this.#handler.records(batch.partition, records, Number(batch.highWatermark));
      }
      if (!lease.lost && !isStale()) resolveOffset(String(last));
    } catch (error) {
      if (!lease.lost && !isFenced(error)) this.#fail(error as Error);
      throw error;
    } finally {
      clearInterval(timer);
    }
    if (beatFailed) throw beatFailed;
    await heartbeat();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#consumer.stop();
    await Promise.allSettled([...this.#running]);
    this.#revokeAll();
    await this.#consumer.disconnect();
  }
}

class Lease implements PartitionLease {
  lost = false;
  lostAt: number | undefined;
  next = 0;
  start: Promise<number> = Promise.resolve(0);
  /** What the last batch came with. */
  member: Pick<EachBatchPayload, 'isRunning' | 'commitOffsetsIfNecessary'> | undefined;
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #partition: number;
  readonly #readCommitted: () => Promise<Committed>;

  constructor(consumer: Consumer, topic: string, partition: number, readCommitted: () => Promise<Committed>) {
    this.#consumer = consumer;
    this.#topic = topic;
    this.#partition = partition;
    this.#readCommitted = readCommitted;
  }

  committed(): Promise<Committed> {
    return this.#readCommitted();
  }

  async commit(offset: number, metadata: string): Promise<void> {
    if (this.lost) throw new ForyouError('fenced', `partition ${this.#partition} of ${this.#topic} was reassigned`);
    const place = { partition: this.#partition, offset: String(offset), metadata };
    const ending = () => this.member?.isRunning() === false;
    try {
      if (!ending()) await this.#consumer.commitOffsets([{ topic: this.#topic, ...place }]);
      // A consumer that was asked to stop leaves a commit out without a word, also one that it had begun; the member of the
      // group that it still is until its batches are through can make it.
      if (ending()) await this.member?.commitOffsetsIfNecessary({ topics: [{ topic: this.#topic, partitions: [place] }] }); // MUTANT:last-commit
    } catch (cause) {
      if (isFenced(cause) || ending()) {
        this.lost = true;
        throw new ForyouError('fenced', `partition ${this.#partition} of ${this.#topic} was reassigned`, { cause });
      }
      throw cause;
    }
  }

  seek(offset: number): void {
    this.next = offset;
    this.#consumer.seek({ topic: this.#topic, partition: this.#partition, offset: String(offset) });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const fencedTypes = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID']);
function isFenced(error: unknown): boolean {
  const e = error as { type?: string; code?: string; cause?: unknown };
  return e?.code === 'fenced' || fencedTypes.has(e?.type ?? '') || (e?.cause !== undefined && isFenced(e.cause));
}
