import './kafka-record-batch.ts';
import { createRequire } from 'node:module';
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import { ForyouError } from '../errors.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { fromMessage } from './kafka-message.ts';
import type { ConsumeOptions, Log, LogConsumer, LogRecord, NewRecord, NewTopic, PartitionHandler } from './log.ts';

/**
 * kafkajs 2.2.4 re-arms a timer with a negative delay whenever nothing is pending, which Node
 * turns into a 1 ms loop for the life of the connection (and a TimeoutNegativeWarning). A check is
 * only needed while requests wait.
 */
function stopIdleTimers(): void {
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');
  const original = RequestQueue.prototype.scheduleCheckPendingRequests;
  if (original.mended) return;
  RequestQueue.prototype.scheduleCheckPendingRequests = function mended() {
    if (this.pending.length > 0) original.call(this);
  };
  RequestQueue.prototype.scheduleCheckPendingRequests.mended = true;
}

export interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Session timeout of consumers: how long a dead consumer keeps its partitions. */
  readonly sessionTimeoutMs?: number;
}

/** The log on Apache Kafka, through kafkajs. The only files that know kafkajs are this and `kafka-consumer.ts`. */
export class KafkaLog implements Log {
  readonly #kafka: Kafka;
  readonly #sessionTimeoutMs: number;
  #producer: Promise<Producer> | undefined;
  #admin: Promise<Admin> | undefined;
  #waiting = new Map<string, Waiting[]>();
  #sending = false;

  constructor(options: KafkaOptions) {
    stopIdleTimers();
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000;
    this.#kafka = new Kafka({
      clientId: options.clientId,
      brokers: [...options.brokers],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 3_000,
      requestTimeout: 30_000,
      retry: { initialRetryTime: 100, retries: 8, maxRetryTime: 3_000 },
    });
  }

  #connectedProducer(): Promise<Producer> {
    this.#producer ??= connected(this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false }), () => {
      this.#producer = undefined;
    });
    return this.#producer;
  }

  #connectedAdmin(): Promise<Admin> {
    this.#admin ??= connected(this.#kafka.admin(), () => {
      this.#admin = undefined;
    });
    return this.#admin;
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    const admin = await this.#connectedAdmin();
    await admin.createTopics({
      waitForLeaders: true,
      topics: topics.map((t) => ({
        topic: t.name,
        numPartitions: t.partitions,
        // The broker's clock, not the producer's, stamps records: decisions about time stay a function of the log.
        configEntries: [
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
          ...(t.maxRecordBytes ? [{ name: 'max.message.bytes', value: String(t.maxRecordBytes) }] : []),
        ],
      })),
    });
  }

  /** Calls that arrive while a send is in flight travel together in the next one. */
  append(topic: string, records: readonly NewRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(topic);
      if (waiting) waiting.push({ records, resolve, reject });
      else this.#waiting.set(topic, [{ records, resolve, reject }]);
      if (!this.#sending) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting];
      // A new one: the tables of a Map that is emptied hold what was in them until the next full collection.
      this.#waiting = new Map();
      const waiters = batch.flatMap(([, waiting]) => waiting);
      try {
        const producer = await this.#connectedProducer();
        await producer.sendBatch({
          acks: -1,
          topicMessages: batch.map(([topic, waiting]) => ({ topic, messages: waiting.flatMap((w) => w.records.map(toMessage)) })),
        });
        for (const w of waiters) w.resolve();
      } catch (cause) {
        // An idempotent producer that gave up cannot continue its sequence: start a new one.
        const broken = this.#producer;
        this.#producer = undefined;
        void broken?.then((p) => p.disconnect()).catch(() => {});
        const error = new ForyouError('unavailable', 'the log did not acknowledge the records', { cause, fix: 'check that Kafka is up: foryou status' });
        for (const w of waiters) w.reject(error);
      }
    }
    this.#sending = false;
  }

  async consume(options: ConsumeOptions, handler: PartitionHandler): Promise<LogConsumer> {
    const consumer = this.#kafka.consumer({
      groupId: options.group,
      sessionTimeout: this.#sessionTimeoutMs,
      rebalanceTimeout: 30_000,
      heartbeatInterval: Math.min(1_000, this.#sessionTimeoutMs / 4),
      maxBytesPerPartition: options.maxBytes ?? 4 * 1024 * 1024,
      maxBytes: 16 * 1024 * 1024,
      minBytes: 1,
      maxWaitTimeInMs: options.maxWaitMs ?? 250,
      allowAutoTopicCreation: false,
      // The process owns restarting: after a crash its supervisor starts it clean.
      retry: { initialRetryTime: 100, retries: 30, maxRetryTime: 2_000, restartOnFailure: async () => false },
    });
    return KafkaConsumer.start(consumer, options.group, options.topic, handler, (group, topic) => this.#committed(group, topic));
  }

  async #committed(group: string, topic: string) {
    const admin = await this.#connectedAdmin();
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic], resolveOffsets: false });
    return (found?.partitions ?? []).map((p) => ({
      partition: p.partition,
      offset: Number(p.offset) < 0 ? null : Number(p.offset),
      metadata: p.metadata ?? '',
    }));
  }

  committedOf(group: string, topic: string) {
    return this.#committed(group, topic);
  }

  async read(topic: string, partition: number, from: number, to: number, each: (records: readonly LogRecord[]) => void): Promise<void> {
    if (from >= to) return;
    const groupId = `foryou-read-${crypto.randomUUID()}`;
    const consumer = this.#kafka.consumer({ groupId, allowAutoTopicCreation: false, maxBytesPerPartition: 8 * 1024 * 1024, retry: { retries: 8 } });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, (e) => reject(e.payload.error));
        consumer
          .run({
            autoCommit: false,
            eachBatchAutoResolve: true,
            eachBatch: async ({ batch }) => {
              if (batch.partition !== partition || Number(batch.firstOffset() ?? from) > to) return;
              const records = batch.messages.map(fromMessage).filter((r) => r.offset >= from && r.offset < to);
              if (records.length > 0) each(records);
              if (Number(batch.lastOffset()) >= to - 1) resolve();
            },
          })
          .then(async () => {
            for (const p of await this.offsets(topic)) if (p.partition !== partition) consumer.pause([{ topic, partitions: [p.partition] }]);
            consumer.seek({ topic, partition, offset: String(from) });
          })
          .catch(reject);
      });
    } finally {
      await consumer.disconnect();
      await this.forgetGroups([groupId]).catch(() => {});
    }
  }

  async offsets(topic: string): Promise<readonly { partition: number; low: number; high: number }[]> {
    const admin = await this.#connectedAdmin();
    return (await admin.fetchTopicOffsets(topic))
      .map((p) => ({ partition: p.partition, low: Number(p.low), high: Number(p.high) }))
      .sort((a, b) => a.partition - b.partition);
  }

  async forgetGroups(groups: readonly string[]): Promise<void> {
    const admin = await this.#connectedAdmin();
    const { groups: known } = await admin.listGroups();
    const there = groups.filter((group) => known.some((k) => k.groupId === group));
    if (there.length > 0) await admin.deleteGroups(there);
  }

  async clusterId(): Promise<string> {
    return (await (await this.#connectedAdmin()).describeCluster()).clusterId;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#producer?.then((p) => p.disconnect()), this.#admin?.then((a) => a.disconnect())]);
  }
}

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

async function connected<C extends { connect(): Promise<void> }>(client: C, forget: () => void): Promise<C> {
  try {
    await client.connect();
    return client;
  } catch (cause) {
    forget();
    throw new ForyouError('unavailable', 'Kafka does not answer', { cause, fix: 'start the stack: foryou up' });
  }
}

const toMessage = (r: NewRecord) => ({
  key: r.key,
  value: r.value,
  ...(r.headers ? { headers: { ...r.headers } } : {}),
  ...(r.partition === undefined ? {} : { partition: r.partition }),
});
