/** The event log as the platform sees it. Nothing outside `kafka.ts` knows which client speaks to it. */
export interface LogRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** When the broker appended the record, in milliseconds: the only clock that decisions may use. */
  readonly appendedAtMs: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Where the value lies, for who reads millions and can do without a Buffer for each; `from` is -1 where it is null. */
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}
const noBytes = Buffer.alloc(0);
/** A record whose value has a Buffer of its own. */
export const recordOf = <R extends Omit<LogRecord, 'bytes' | 'from' | 'to'>>(record: R): R & LogRecord => ({
  ...record,
  bytes: record.value ?? noBytes,
  from: record.value ? 0 : -1,
  to: record.value?.length ?? -1,
});

export interface NewRecord {
  readonly key: string | Buffer;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly partition?: number;
}

export interface Committed {
  /** Next offset to read; null when the group never committed. */
  readonly offset: number | null;
  readonly metadata: string;
}

/** What a consumer tells its owner; calls for one partition never overlap. */
export interface PartitionHandler {
  /** A partition was assigned. Returns the offset to read from. */
  assigned(partition: number, lease: PartitionLease): Promise<number>;
  /**
   * Records in offset order; the consumer waits for the promise before it fetches more.
   * `end` is where the partition ended when they were fetched.
   */
  records(partition: number, records: readonly LogRecord[], end: number): Promise<void>;
  /** The partition may belong to somebody else from now on. */
  revoked(partition: number): void;
}

/** The right to act for one assignment of one partition; after a rebalance every call fails with code `fenced`. */
export interface PartitionLease {
  committed(): Promise<Committed>;
  commit(offset: number, metadata: string): Promise<void>;
  /** Continue reading at another offset. */
  seek(offset: number): void;
  readonly lost: boolean;
}

export interface ConsumeOptions {
  readonly group: string;
  readonly topic: string;
  /** The broker answers a fetch as soon as something is there, and with nothing after this. */
  readonly maxWaitMs?: number;
  /** At most this many bytes of one partition are in memory at a time. */
  readonly maxBytes?: number;
}

export interface LogConsumer {
  stop(): Promise<void>;
  /** Rejects when the consumer died for good: its process must end. */
  readonly failed: Promise<never>;
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly maxRecordBytes?: number;
}

export interface Log {
  /** `maxRecordBytes`: a larger record is refused when it is appended. */
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  /** Resolves once every record is acknowledged by all in-sync replicas. */
  append(topic: string, records: readonly NewRecord[]): Promise<void>;
  consume(options: ConsumeOptions, handler: PartitionHandler): Promise<LogConsumer>;
  /** Reads [from, to) of one partition outside of any group, in order, in batches. */
  read(topic: string, partition: number, from: number, to: number, each: (records: readonly LogRecord[]) => void): Promise<void>;
  /** First and next offset of each partition. */
  offsets(topic: string): Promise<readonly { partition: number; low: number; high: number }[]>;
  committedOf(group: string, topic: string): Promise<readonly { partition: number; offset: number | null }[]>;
  /** Deletes groups without members, so that they begin anew. */
  forgetGroups(groups: readonly string[]): Promise<void>;
  clusterId(): Promise<string>;
  close(): Promise<void>;
}
