import type { PartitionLease } from '#infra/log/log.ts';
import type { SourcePartition } from '#infra/online/online.ts';
import type { AnyView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import { Fold } from './fold.ts';
import { type PartitionSink, type ProtocolStep, Rewind, type Services } from './services.ts';
import type { Topology } from './topology.ts';

/** A batch on its way into the store. */
interface Flight {
  readonly deltas: readonly Buffer[];
  /** Shards that have merged their delta. */
  readonly done: boolean[];
  readonly end: number;
  readonly range: string;
  working: Promise<void> | null;
}

/** This far behind the end of the log is still near it. */
const nearRecords = 2_000;
/** A script that merges more entities would hold Redis for too long. */
const maxFolded = 50_000;
const maxFoldMs = 1_000;

/**
 * Exactly-once into the online store, one partition:
 *   O1  read every shard's watermark; start at the lowest of them and the committed offset, and commit the lowest
 *       where a crash between O4 and O5 left the commit behind it
 *   O2  fold the batch into one delta per shard, for each shard only what its watermark lacks
 *   O3  per shard, merge the delta and move the watermark in one atomic script, which changes
 *       nothing unless the watermark stands where this assignment believes it to stand
 *   O4  wait for all shards; a conflict means that the store lost time or has another owner: O1
 *   O5  commit the end
 * A store that lost its last second therefore replays exactly that second, and an empty store is
 * rebuilt by the same code.
 */
export class OnlineSink implements PartitionSink<Row> {
  readonly #topology: Topology;
  readonly #services: Services;
  readonly #source: SourcePartition;
  readonly #lease: PartitionLease;
  readonly #fold: Fold;
  #watermarks: number[] = [];
  #behind = false;
  #highest = 0;
  #flushedAt = performance.now();
  #offset = 0;
  #flight: Flight | null = null;
  #nearEnd = true;

  constructor(topology: Topology, views: readonly AnyView[], services: Services, partition: number, lease: PartitionLease) {
    this.#topology = topology;
    this.#services = services;
    this.#source = { group: topology.name, topic: topology.source.topic, partition };
    this.#lease = lease;
    this.#fold = new Fold(topology.source, views, services.catalog, services.online.shards);
  }

  // O1
  async start(): Promise<number> {
    await this.#at('O1', '');
    // A batch that is still on its way must not move marks behind the back of what is read here.
    await this.#flight?.working?.catch(() => {});
    this.#flight = null;
    this.#fold.deltas();
    this.#watermarks = await this.#services.online.watermarks(this.#source);
    this.#highest = Math.max(...this.#watermarks);
    const { offset } = await this.#lease.committed();
    const lowest = Math.min(...this.#watermarks);
    if (lowest > (offset ?? 0)) {
      // With no record to come there is no O5, and what waits for this commit would wait for ever.
      await this.#lease.commit(lowest, '');
      return lowest;
    }
    return Math.min(offset ?? 0, lowest);
  }

  cut(pending: readonly unknown[]): number {
    return pending.length;
  }

  // O2
  readonly #admit = (shard: number): boolean => !this.#behind || this.#offset >= (this.#watermarks[shard] as number);

  add(row: Row, record: { readonly offset: number }): void {
    this.#offset = record.offset;
    this.#behind = record.offset < this.#highest;
    this.#fold.add(row, row[this.#topology.source.time], this.#admit);
  }

  /**
   * Near the end of the log every batch is flushed: freshness counts. Far behind it, batches are
   * folded together for a while, since one merge then stands for many events of an entity.
   */
  ripe(end: number, logEnd: number): boolean {
    this.#nearEnd = logEnd - end < nearRecords;
    return this.#nearEnd || this.#fold.size >= maxFolded || performance.now() - this.#flushedAt >= maxFoldMs;
  }

  /** The history topology of the same source writes the dead letters. */
  rejected(): void {}

  /**
   * Near the end of the log the merge is awaited. Far behind it the store merges one batch while
   * the next is folded; a batch never begins to merge before the one ahead of it is committed.
   */
  async flush(first: number, end: number): Promise<void> {
    await this.#settle();
    const range = `${first}-${end}`;
    await this.#at('O2', range);
    const deltas = this.#fold.deltas();
    this.#flight = { deltas, done: deltas.map((_d, shard) => (this.#watermarks[shard] as number) >= end), end, range, working: null };
    this.#flushedAt = performance.now();
    const settled = this.#settle();
    if (this.#nearEnd) await settled;
    else settled.catch(() => {}); // the next flush meets the failure, and tries again what is left
  }

  /** Brings the batch in flight, if any, to its commit; what was merged already is not merged again. */
  #settle(): Promise<void> {
    const flight = this.#flight;
    if (!flight) return Promise.resolve();
    flight.working ??= this.#bringIn(flight).finally(() => {
      flight.working = null;
    });
    return flight.working;
  }

  async #bringIn(flight: Flight): Promise<void> {
    const { deltas, end, range } = flight;
    await this.#at('O3', range);
    await Promise.all(deltas.map((delta, shard) => this.#merge(flight, shard, delta)));
    await this.#at('O4', range);
    this.#highest = Math.max(end, this.#highest);
    await this.#at('O5', range);
    await this.#lease.commit(end, '');
    this.#flight = null;
  }

  async stillThere(): Promise<boolean> {
    if (this.#flight) return true;
    const stored = await this.#services.online.watermarks(this.#source);
    return stored.every((mark, shard) => mark === this.#watermarks[shard]);
  }

  async #merge(flight: Flight, shard: number, delta: Buffer): Promise<void> {
    if (flight.done[shard]) return;
    if (this.#services.at) await this.#at('O3', `shard ${shard}`);
    const outcome = await this.#services.online.merge(shard, this.#source, this.#watermarks[shard] as number, flight.end, delta);
    if (outcome === 'conflict') throw new Rewind(`shard ${shard} stands elsewhere`);
    flight.done[shard] = true;
    this.#watermarks[shard] = flight.end;
  }

  async #at(step: ProtocolStep, range: string): Promise<void> {
    if (this.#services.at) await this.#services.at(step, `${this.#topology.name}/${this.#source.partition} ${range}`);
  }
}
