import { setImmediate } from 'node:timers/promises';
import pRetry from 'p-retry';
import { ForyouError } from '#infra/errors.ts';
import type { LogRecord, PartitionLease } from '#infra/log/log.ts';
import type { Row } from './avro-reader.ts';
import { Decoder } from './decoder.ts';
import { IdWindow } from './id-window.ts';
import { Pipeline } from './pipeline.ts';
import { type PartitionSink, Rewind, type Services } from './services.ts';
import { ok } from './steps.ts';
import type { Topology } from './topology.ts';

/** One assignment of one partition: decides record by record, and hands batches to the sink. */
export class PartitionWorker {
  readonly #topology: Topology;
  readonly #services: Services;
  readonly #partition: number;
  readonly #lease: PartitionLease;
  readonly #sink: PartitionSink<Row>;
  readonly #decoder: Decoder;
  readonly #pipeline: Pipeline;
  #pending: LogRecord[] = [];
  /** First offset that the sink has taken in but not made durable. */
  #unflushedFrom: number | null = null;
  #end = 0;
  #working: Promise<unknown> = Promise.resolve();
  #lastRecordsAt = 0;

  constructor(topology: Topology, services: Services, partition: number, lease: PartitionLease, sink: PartitionSink<Row>) {
    this.#topology = topology;
    this.#services = services;
    this.#partition = partition;
    this.#lease = lease;
    this.#sink = sink;
    this.#decoder = new Decoder(topology.source, services.registry);
    this.#pipeline = new Pipeline(this.#decoder, topology.steps, this.#newWindow());
  }

  #newWindow(): IdWindow {
    return new IdWindow(this.#services.settings.dedupeGeneration);
  }

  /** Where reading begins, with the dedupe window read back from the log up to there. */
  async start(): Promise<number> {
    this.#pending = [];
    this.#unflushedFrom = null;
    const wanted = await this.#patiently('start', () => this.#sink.start());
    const { low, high } = (await this.#services.log.offsets(this.#topology.source.topic))[this.#partition] ?? { low: 0, high: 0 };
    const start = Math.min(Math.max(wanted, low), high);
    const window = this.#newWindow();
    this.#pipeline.restart(window);
    const from = Math.max(low, window.start(start));
    const earlier: LogRecord[][] = [];
    await this.#services.log.read(this.#topology.source.topic, this.#partition, from, start, (records) => earlier.push([...records]));
    for (const records of earlier) {
      await this.#patiently('learn', () => this.#decoder.learn(records));
      for (const record of records) this.#pipeline.run(record);
    }
    return start;
  }

  records(records: readonly LogRecord[], logEnd: number): Promise<void> {
    return this.#inTurn(() =>
      this.#records(records, logEnd).finally(() => {
        this.#lastRecordsAt = Date.now();
      }),
    );
  }

  /** While no records come, what waits for more is flushed, and a store that lost its marks is noticed and rebuilt. */
  async checkWhileIdle(idleMs: number): Promise<void> {
    await this.#inTurn(() =>
      this.#orRewind(async () => {
        if (this.#lease.lost || Date.now() - this.#lastRecordsAt < idleMs) return;
        if (this.#unflushedFrom !== null) await this.#flush();
        else if ((await this.#sink.stillThere?.()) === false) throw new Rewind('the store lost its marks');
      }),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#working.then(work, work);
    this.#working = turn.catch(() => {});
    return turn;
  }

  async #records(records: readonly LogRecord[], logEnd: number): Promise<void> {
    this.#pending = this.#pending.length === 0 ? [...records] : [...this.#pending, ...records];
    await this.#orRewind(async () => {
      for (let n = this.#sink.cut(this.#pending); n > 0; n = this.#sink.cut(this.#pending)) {
        const batch = n === this.#pending.length ? this.#pending : this.#pending.slice(0, n);
        this.#pending = n === this.#pending.length ? [] : this.#pending.slice(n);
        await this.#process(batch, logEnd);
        if (this.#pending.length > 0) await setImmediate();
      }
    });
  }

  async #orRewind(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Rewind)) throw error;
      this.#services.telemetry.count('foryou_rewinds_total', { topology: this.#topology.name });
      this.#lease.seek(await this.start());
    }
  }

  async #flush(): Promise<void> {
    const from = this.#unflushedFrom as number;
    await this.#patiently('flush', () => this.#sink.flush(from, this.#end));
    this.#unflushedFrom = null;
  }

  async #process(batch: readonly LogRecord[], logEnd: number): Promise<void> {
    const began = performance.now();
    await this.#patiently('learn', () => this.#decoder.learn(batch));
    for (const record of batch) {
      const outcome = this.#pipeline.run(record);
      if (outcome === ok) this.#sink.add(this.#decoder.row, record);
      else if (outcome.kind === 'reject')
        this.#sink.rejected({ key: record.key, value: record.value, offset: record.offset, reason: outcome.reason, cause: outcome.cause });
    }
    const first = batch[0] as LogRecord;
    const last = batch.at(-1) as LogRecord;
    this.#unflushedFrom ??= first.offset;
    this.#end = last.offset + 1;
    if (this.#sink.ripe(this.#end, logEnd)) await this.#flush();
    this.#measure(batch.length, last, performance.now() - began);
  }

  #measure(records: number, last: LogRecord, tookMs: number): void {
    const { telemetry } = this.#services;
    const topology = this.#topology.name;
    this.#pipeline.report(telemetry, topology);
    telemetry.count('foryou_records_total', { topology }, records);
    telemetry.observe('foryou_batch_ms', { topology }, tookMs);
    telemetry.observe('foryou_append_to_sink_ms', { topology }, Math.max(0, Date.now() - last.appendedAtMs));
    telemetry.gauge('foryou_next_offset', { topology, partition: String(this.#partition) }, last.offset + 1);
  }

  /** An outage is waited out for as long as the partition is ours; anything else ends the process. */
  #patiently<T>(what: string, call: () => Promise<T>): Promise<T> {
    return pRetry(call, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 100,
      maxTimeout: 2_000,
      factor: 2,
      randomize: true,
      shouldRetry: ({ error }) => !this.#lease.lost && error instanceof ForyouError && error.code === 'unavailable',
      onFailedAttempt: () => this.#services.telemetry.count('foryou_retries_total', { topology: this.#topology.name, what }),
    });
  }
}
