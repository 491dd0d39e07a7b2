import type { PartitionLease } from '#infra/log/log.ts';
import { type DeltaPart, joinDelta } from '#infra/online/delta.ts';
import { type Mark, offsetOf, type SourcePartition, writeMark } from '#infra/online/online.ts';
import type { AnyView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import { Fold } from './fold.ts';
import { type PartitionSink, type ProtocolStep, Rewind, type Services } from './services.ts';
import type { Topology } from './topology.ts';

/** A batch on its way into the store. */
interface Flight {
  /** By slot (`slotOf`). */
  readonly deltas: readonly DeltaPart[];
  readonly end: number;
  readonly range: string;
  working: Promise<void> | null;
}

/** Worked through before the event loop turns: heartbeats, merges and their answers wait for it. */
const sliceRecords = 2_000;
/** This far behind the end of the log is still near it. */
const nearRecords = 2_000;

/**
 * Exactly-once into the online store, one partition:
 *   O1  read every shard's watermark; start at the lowest of them and the committed offset, and commit the lowest
 *       where a crash between O4 and O5 left the commit behind it
 *   O2  fold the batch into one delta per shard, for each shard only what its watermark lacks
 *   O3  per shard, merge the delta and move the watermark in one atomic script, which changes
 *       nothing unless the watermark stands where this assignment believes it to stand; a long delta
 *       lane by lane, each with its own mark, since nobody else is answered while a script runs
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
  readonly #maxFolded: () => number;
  #watermarks: Mark[] = [];
  #highest = 0;
  #flight: Flight | null = null;
  #nearEnd = true;

  constructor(topology: Topology, views: readonly AnyView[], services: Services, partition: number, lease: PartitionLease, maxFolded: () => number) {
    this.#topology = topology;
    this.#maxFolded = maxFolded;
    this.#services = services;
    this.#source = { group: topology.name, topic: topology.source.topic, partition };
    this.#lease = lease;
    this.#fold = new Fold(topology.source, views, services.catalog, services.online.shards, {
      everything: (offset) => offset >= this.#highest,
      admits: (slot, offset) => offset >= offsetOf(this.#watermarks, slot), // MUTANT:admits
    });
  }

  // O1
  async start(): Promise<number> {
    await this.#at('O1', '');
    // A batch that is still on its way must not move marks behind the back of what is read here.
    await this.#flight?.working?.catch(() => {});
    this.#flight = null;
    this.#fold.deltas();
    this.#watermarks = await this.#services.online.watermarks(this.#source);
    this.#highest = Math.max(...this.#watermarks.flat());
    const { offset } = await this.#lease.committed();
    const lowest = Math.min(...this.#watermarks.flat());
    if (lowest > (offset ?? 0)) {
      // With no record to come there is no O5, and what waits for this commit would wait for ever.
      await this.#lease.commit(lowest, '');
      return lowest;
    }
    return Math.min(offset ?? 0, lowest);
  }

  cut(pending: readonly unknown[]): number {
    return Math.min(sliceRecords, pending.length);
  }

  // O2
  add(row: Row, record: { readonly offset: number }): void {
    this.#fold.add(row, row[this.#topology.source.time], record.offset);
  }

  /**
   * Near the end of the log every batch is flushed: freshness counts. Far behind it half of what is left is folded
   * together, and what comes while the store still merges, since one merge then stands for many events of an entity.
   */
  ripe(end: number, logEnd: number): boolean {
    const left = logEnd - end;
    this.#nearEnd = left < nearRecords;
    const max = this.#maxFolded();
    const { records } = this.#fold;
    return this.#nearEnd || records >= max || (this.#flight === null && records >= Math.min(max, left / 2));
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
    this.#flight = { deltas: this.#fold.deltas(), end, range, working: null };
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
    const { end, range } = flight;
    await this.#at('O3', range);
    await Promise.all(this.#watermarks.map((_mark, shard) => this.#merge(flight, shard)));
    await this.#at('O4', range);
    this.#highest = Math.max(end, this.#highest);
    await this.#at('O5', range);
    await this.#lease.commit(end, '');
    this.#flight = null;
  }

  async stillThere(): Promise<boolean> {
    if (this.#flight) return true;
    const stored = await this.#services.online.watermarks(this.#source);
    return stored.every((mark, shard) => writeMark(mark) === writeMark(this.#watermarks[shard] as Mark));
  }

  /** What is merged already has moved its mark, and is not merged again. */
  async #merge({ deltas, end }: Flight, shard: number): Promise<void> {
    const mark = this.#watermarks[shard] as Mark;
    const parts = mark.map((_offset, lane) => deltas[lane * this.#watermarks.length + shard] as DeltaPart);
    const bytes = parts.reduce((sum, part) => sum + part.bytes.length, 0);
    if (bytes <= this.#services.settings.mergeBytes) {
      const to = mark.map((offset) => Math.max(offset, end));
      if (writeMark(to) !== writeMark(mark)) await this.#move(shard, to, joinDelta(parts));
    } else {
      for (const [lane, part] of parts.entries()) {
        const before = this.#watermarks[shard] as Mark;
        if ((before[lane] as number) < end) await this.#move(shard, before.with(lane, end), joinDelta([part]));
      }
    }
  }

  async #move(shard: number, to: Mark, delta: Buffer): Promise<void> {
    if (this.#services.at) await this.#at('O3', `shard ${shard}`);
    const outcome = await this.#services.online.merge(shard, this.#source, this.#watermarks[shard] as Mark, to, delta);
    if (outcome === 'conflict') throw new Rewind(`shard ${shard} stands elsewhere`);
    this.#watermarks[shard] = to;
  }

  async #at(step: ProtocolStep, range: string): Promise<void> {
    if (this.#services.at) await this.#services.at(step, `${this.#topology.name}/${this.#source.partition} ${range}`);
  }
}
