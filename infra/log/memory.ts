import { ForyouError } from '../errors.ts';
import {
  type Committed,
  type Log,
  type LogConsumer,
  type LogRecord,
  type NewRecord,
  type NewTopic,
  type PartitionHandler,
  type PartitionLease,
  recordOf,
} from './log.ts';

interface Partition {
  readonly records: (LogRecord & { headers?: Readonly<Record<string, string>> })[];
}

/** A log in memory with the same promises, one member per group: unit tests restart topologies on it. */
export class MemoryLog implements Log {
  readonly #topics = new Map<string, Partition[]>();
  readonly #committed = new Map<string, Committed>();
  readonly #owners = new Map<string, { lost: boolean }[]>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    for (const t of topics)
      if (!this.#topics.has(t.name))
        this.#topics.set(
          t.name,
          Array.from({ length: t.partitions }, () => ({ records: [] })),
        );
  }

  #partitions(topic: string): Partition[] {
    const found = this.#topics.get(topic);
    if (!found) throw new ForyouError('unavailable', `topic ${topic} does not exist`);
    return found;
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<void> {
    const partitions = this.#partitions(topic);
    for (const r of records) {
      const key = Buffer.from(r.key);
      const hash = key.reduce((h, byte) => (Math.imul(h, 31) + byte) >>> 0, 7);
      const target = partitions[r.partition ?? hash % partitions.length] as Partition;
      const record = { offset: target.records.length, key, value: r.value, appendedAtMs: this.#now(), ...(r.headers ? { headers: r.headers } : {}) };
      target.records.push(recordOf(record));
    }
  }

  async consume(options: { group: string; topic: string; maxRecords?: number }, handler: PartitionHandler): Promise<LogConsumer> {
    const { group, topic, maxRecords = 1_000 } = options;
    const partitions = this.#partitions(topic);
    for (const old of this.#owners.get(group) ?? []) old.lost = true;
    let stopped = false;
    let fail!: (error: Error) => void;
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    failed.catch(() => {});
    const leases = partitions.map((_p, partition) => this.#lease(group, topic, partition));
    this.#owners.set(group, leases);
    const loops = partitions.map(async (p, partition) => {
      const lease = leases[partition] as MemoryLease;
      try {
        lease.seek(await handler.assigned(partition, lease));
        while (!stopped && !lease.lost) {
          const from = lease.next;
          const records = p.records.slice(from, from + maxRecords);
          if (records.length === 0) {
            await new Promise((resolve) => setTimeout(resolve, 1));
            continue;
          }
          lease.next = from + records.length;
          await handler.records(partition, records, p.records.length);
        }
      } catch (error) {
        if (!lease.lost) fail(error as Error);
      } finally {
        handler.revoked(partition);
      }
    });
    return {
      failed,
      stop: async () => {
        stopped = true;
        await Promise.allSettled(loops);
        for (const lease of leases) lease.lost = true;
      },
    };
  }

  #lease(group: string, topic: string, partition: number): MemoryLease {
    const id = `${group}/${topic}/${partition}`;
    const lease: MemoryLease = {
      lost: false,
      next: 0,
      committed: async () => this.#committed.get(id) ?? { offset: null, metadata: '' },
      commit: async (offset, metadata) => {
        if (lease.lost) throw new ForyouError('fenced', `partition ${partition} of ${topic} was reassigned`);
        this.#committed.set(id, { offset, metadata });
      },
      seek: (offset) => {
        lease.next = offset;
      },
    };
    return lease;
  }

  async read(topic: string, partition: number, from: number, to: number, each: (records: readonly LogRecord[]) => void): Promise<void> {
    const records = this.#partitions(topic)[partition]?.records.slice(from, to) ?? [];
    if (records.length > 0) each(records);
  }

  async offsets(topic: string): Promise<readonly { partition: number; low: number; high: number }[]> {
    return this.#partitions(topic).map((p, partition) => ({ partition, low: 0, high: p.records.length }));
  }

  async committedOf(group: string, topic: string): Promise<readonly { partition: number; offset: number | null }[]> {
    return this.#partitions(topic).map((_p, partition) => ({ partition, offset: this.#committed.get(`${group}/${topic}/${partition}`)?.offset ?? null }));
  }

  async forgetGroups(groups: readonly string[]): Promise<void> {
    for (const id of this.#committed.keys()) if (groups.some((group) => id.startsWith(`${group}/`))) this.#committed.delete(id);
  }

  async clusterId(): Promise<string> {
    return 'memory';
  }

  async close(): Promise<void> {}
}

type MemoryLease = { -readonly [K in keyof PartitionLease]: PartitionLease[K] } & { next: number };
