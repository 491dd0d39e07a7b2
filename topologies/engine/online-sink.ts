import type { PartitionLease } from '#infra/log/log.ts';
import type { SourcePartition } from '#infra/online/online.ts';
import type { AnyView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import { Fold } from './fold.ts';
import { type PartitionSink, type ProtocolStep, Rewind, type Services } from './services.ts';
import type { Topology } from './topology.ts';

/**
 * Exactly-once into the online store, one partition:
 *   O1  read every shard's watermark; start at the lowest of them and the committed offset
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
  #offset = 0;
  #deltas: Buffer[] | null = null;
  #done: boolean[] = [];

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
    this.#deltas = null;
    this.#fold.deltas();
    this.#watermarks = await this.#services.online.watermarks(this.#source);
    this.#highest = Math.max(...this.#watermarks);
    const { offset } = await this.#lease.committed();
    const lowest = Math.min(...this.#watermarks);
    return offset === null ? lowest : Math.min(offset, lowest);
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

  /** The history topology of the same source writes the dead letters. */
  rejected(): void {}

  async flush(first: number, end: number): Promise<void> {
    const range = `${first}-${end}`;
    await this.#at('O2', range);
    if (!this.#deltas) {
      this.#deltas = this.#fold.deltas();
      this.#done = this.#deltas.map((_d, shard) => (this.#watermarks[shard] as number) >= end);
    }
    await this.#at('O3', range);
    await Promise.all(this.#deltas.map((delta, shard) => this.#merge(shard, delta, end)));
    await this.#at('O4', range);
    this.#deltas = null;
    this.#highest = Math.max(end, this.#highest);
    await this.#at('O5', range);
    await this.#lease.commit(end, '');
  }

  async stillThere(): Promise<boolean> {
    const stored = await this.#services.online.watermarks(this.#source);
    return stored.every((mark, shard) => mark === this.#watermarks[shard]);
  }

  async #merge(shard: number, delta: Buffer, end: number): Promise<void> {
    if (this.#done[shard]) return;
    const outcome = await this.#services.online.merge(shard, this.#source, this.#watermarks[shard] as number, end, delta);
    if (outcome === 'conflict') throw new Rewind(`shard ${shard} stands elsewhere`);
    this.#done[shard] = true;
    this.#watermarks[shard] = end;
    if (this.#services.at) await this.#at('O3', `after shard ${shard}`);
  }

  async #at(step: ProtocolStep, range: string): Promise<void> {
    if (this.#services.at) await this.#services.at(step, `${this.#topology.name}/${this.#source.partition} ${range}`);
  }
}
