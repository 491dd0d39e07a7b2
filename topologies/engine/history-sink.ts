import type { LogRecord, PartitionLease } from '#infra/log/log.ts';
import { deadLetterTopic } from '#schemas/events/index.ts';
import type { HistoryTable } from '#schemas/tables/table.ts';
import type { Row } from './avro-reader.ts';
import { type HistoryRows, historyRows } from './history-rows.ts';
import type { DeadRecord, PartitionSink, ProtocolStep, Services } from './services.ts';
import type { Topology } from './topology.ts';

/**
 * Exactly-once into ClickHouse, one partition:
 *   H1  cut the batch: at the planned end when one is recorded, else where the fetch ended
 *   H2  record the plan: commit the batch's first offset with its end in the metadata
 *   H3  insert, with a deduplication token made of the origin and both ends
 *   H4  append the rejected records to the dead-letter topic
 *   H5  commit the end
 * After a crash between H2 and H5 the batch is cut again at the planned end (H1): the same rows
 * meet the same token and count once. Between H4 and H5 a dead letter may be appended twice; its
 * origin headers say that it is the same one.
 */
export class HistorySink implements PartitionSink<Row> {
  readonly #topology: Topology;
  readonly #table: HistoryTable;
  readonly #services: Services;
  readonly #partition: number;
  readonly #lease: PartitionLease;
  readonly #epoch: string;
  readonly #rows: HistoryRows;
  #dead: DeadRecord[] = [];
  #deadBytes = 0;
  #plannedEnd: number | null = null;

  constructor(topology: Topology, table: HistoryTable, services: Services, partition: number, lease: PartitionLease, epoch: string) {
    this.#topology = topology;
    this.#table = table;
    this.#rows = historyRows(table);
    this.#services = services;
    this.#partition = partition;
    this.#lease = lease;
    this.#epoch = epoch;
  }

  async start(): Promise<number> {
    const { offset, metadata } = await this.#lease.committed();
    this.#plannedEnd = metadata === '' ? null : Number((JSON.parse(metadata) as { plannedEnd: number }).plannedEnd);
    this.#reset();
    return offset ?? 0;
  }

  // H1
  cut(pending: readonly { readonly offset: number }[]): number {
    if (pending.length === 0) return 0;
    const max = this.#services.settings.insertRecords;
    if (this.#plannedEnd === null) return Math.min(max, pending.length); // MUTANT:planned-cut
    const last = (pending.at(-1) as { offset: number }).offset;
    if (last + 1 < this.#plannedEnd) return 0; // the planned batch is not all here yet
    const end = this.#plannedEnd;
    return pending.findIndex((r) => r.offset >= end) === -1 ? pending.length : pending.findIndex((r) => r.offset >= end);
  }

  add(row: Row, record: LogRecord): void {
    this.#rows.append(row, this.#partition, record.offset, record.appendedAtMs);
  }

  /** Far behind the end of the log, fetches are gathered: ClickHouse takes one large insert for less than many small ones. */
  ripe(end: number, logEnd: number): boolean {
    const { insertRecords, insertBytes } = this.#services.settings;
    const { rows, bytes } = this.#rows.block;
    return end >= logEnd || this.#plannedEnd !== null || rows + this.#dead.length >= insertRecords || bytes + this.#deadBytes >= insertBytes;
  }

  rejected(record: DeadRecord): void {
    this.#dead.push(record);
    this.#deadBytes += record.value?.length ?? 0;
  }

  async flush(first: number, end: number): Promise<void> {
    const range = `${first}-${end}`;
    await this.#at('H1', range);
    await this.#at('H2', range);
    await this.#lease.commit(first, JSON.stringify({ plannedEnd: end }));
    await this.#at('H3', range);
    const token = `${this.#epoch}/${this.#topology.source.topic}/${this.#partition}/${range}`; // MUTANT:dedup-token
    if (this.#rows.block.rows > 0) await this.#services.warehouse.insertBlock(this.#table.name, this.#rows.block, token);
    await this.#at('H4', range);
    await this.#appendDead();
    await this.#at('H5', range);
    await this.#lease.commit(end, '');
    this.#plannedEnd = null;
    this.#reset();
  }

  async #appendDead(): Promise<void> {
    if (this.#dead.length === 0) return;
    const origin = { topic: this.#topology.source.topic, partition: String(this.#partition), topology: this.#topology.name };
    await this.#services.log.append(
      deadLetterTopic,
      this.#dead.map((d) => ({
        key: d.key ?? Buffer.alloc(0),
        value: d.value,
        headers: { ...origin, offset: String(d.offset), reason: d.reason, cause: d.cause, rejectedAt: new Date().toISOString() },
      })),
    );
    this.#services.telemetry.count('foryou_dead_letters_total', { topology: this.#topology.name }, this.#dead.length);
    this.#dead = [];
    this.#deadBytes = 0;
  }

  #reset(): void {
    this.#rows.block.clear();
    this.#dead = [];
    this.#deadBytes = 0;
  }

  async #at(step: ProtocolStep, range: string): Promise<void> {
    if (this.#services.at) await this.#services.at(step, `${this.#topology.name}/${this.#partition} ${range}`);
  }
}
