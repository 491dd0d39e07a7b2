import type { PartitionLease } from '#infra/log/log.ts';
import { type DeltaPart, joinDelta } from '#infra/online/delta.ts';
import { type Mark, type MarkMove, type SourcePartition, writeMark } from '#infra/online/online.ts';
import type { AnyView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import { Fold } from './fold.ts';
import type { Admission } from './fold-chunk.ts';
import { type ProtocolStep, Rewind, type Services } from './services.ts';
import type { Topology } from './topology.ts';

/** One assignment of one partition, as a group knows it. */
export interface Member {
  readonly source: SourcePartition;
  readonly lease: PartitionLease;
  readonly admission: Admission;
  /** By shard. */
  marks: Mark[];
  /** No mark stands behind it. */
  highest: number;
  /** Which folds it takes part in: those of another generation have lost its records. */
  generation: number;
}

/** What a batch holds of one partition. */
interface Part {
  readonly member: Member;
  readonly first: number;
  readonly end: number;
  /** Records between its end and the end of the log, when they were fetched. */
  readonly left: number;
}

/** A batch on its way into the store. */
interface Flight {
  /** By slot (`slotOf`). */
  readonly deltas: readonly DeltaPart[];
  readonly parts: ReadonlyMap<number, Part>;
  working: Promise<void> | null;
}

/**
 * The partitions that a process has of one topology are folded and merged together: an entity that all of them speak of
 * is merged once, and near the end of the log what came while the store was busy goes in one batch (group commit).
 * There is one batch in flight, and one that is folded meanwhile.
 *
 * A fold cannot give back what it took in. Who starts again while his records are in one therefore takes the others along:
 * the fold is dropped, its generation ends, and each member starts again from the marks of the store.
 */
export class MergeGroup {
  readonly #topology: Topology;
  readonly #services: Services;
  readonly #fold: Fold;
  #folded = new Map<number, Part>();
  #flight: Flight | null = null;
  #generation = 0;

  constructor(topology: Topology, views: readonly AnyView[], services: Services) {
    this.#topology = topology;
    this.#services = services;
    this.#fold = new Fold(topology.source, views, services.catalog, services.online.shards);
  }

  /** Records that are folded and not on their way yet. */
  get records(): number {
    return this.#fold.records;
  }

  /** Records that the partitions with folded records have left. */
  get left(): number {
    let sum = 0;
    for (const { left } of this.#folded.values()) sum += left;
    return sum;
  }

  get busy(): boolean {
    return this.#flight?.working != null;
  }

  /** Whether records of a partition are folded, or on their way. */
  holds({ source: { partition } }: Member): boolean {
    return this.#folded.has(partition) || this.#flight?.parts.has(partition) === true;
  }

  isOf(member: Member): boolean {
    return member.generation === this.#generation;
  }

  /** From here on the store's marks of the partition are moved by nobody but this member; nothing is held that it had before. */
  async enter(member: Member): Promise<void> {
    const { partition } = member.source;
    while (this.#flight?.parts.has(partition) && this.#flight.working) await this.#flight.working.catch(() => {});
    if (this.holds(member)) this.#forget(this.#flight?.parts.has(partition) === true);
    member.generation = this.#generation;
  }

  #forget(flightToo: boolean): void {
    if (flightToo) this.#flight = null;
    this.#fold.deltas();
    this.#folded.clear();
    this.#generation++;
  }

  add(member: Member, row: Row, offset: number): void {
    this.#check(member);
    this.#fold.add(row, row[this.#topology.source.time], offset, member.admission);
  }

  /** All records of the partition from `first` up to `end` were added, or are not wanted; of several calls the first's `first` counts. */
  reached(member: Member, first: number, end: number, left: number): void {
    this.#check(member);
    const { partition } = member.source;
    this.#folded.set(partition, { member, first: this.#folded.get(partition)?.first ?? first, end, left });
  }

  /** Sends all that is folded on its way, once the batch ahead is committed; with `wait`, comes back when the member's part is. */
  async flush(member: Member, wait: boolean): Promise<void> {
    const { partition } = member.source;
    this.#check(member);
    while (this.#folded.has(partition)) {
      if (this.#flight) await this.#settle();
      else this.#launch();
      this.#check(member);
    }
    if (!this.#flight?.parts.has(partition)) return;
    const settled = this.#settle();
    if (wait) await settled;
    else settled.catch(() => {}); // the next flush meets the failure, and tries again what is left
  }

  #check(member: Member): void {
    if (!this.isOf(member)) throw new Rewind('the fold that held its records was dropped');
  }

  #launch(): void {
    this.#flight = { deltas: this.#fold.deltas(), parts: this.#folded, working: null };
    this.#folded = new Map();
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
    const parts = [...flight.parts.values()];
    const all = parts.map(rangeOf).join();
    await this.#at('O2', all);
    await this.#at('O3', all);
    try {
      // All of them: none may move a mark when others have read it already.
      await allOf(Array.from({ length: this.#services.online.shards }, (_, shard) => this.#merge(flight, shard)));
    } catch (error) {
      if (error instanceof Rewind) this.#forget(this.#flight === flight);
      throw error;
    }
    await this.#at('O4', all);
    for (const { member, end } of parts) member.highest = Math.max(end, member.highest);
    await allOf(parts.map((part) => this.#commit(part)));
    if (this.#flight === flight) this.#flight = null;
  }

  async #commit(part: Part): Promise<void> {
    await this.#at('O5', rangeOf(part));
    // Whoever has the partition now finds the marks, and commits them.
    if (!part.member.lease.lost) await part.member.lease.commit(part.end, '');
  }

  /** What is merged already has moved its marks, and is not merged again. */
  async #merge({ deltas, parts }: Flight, shard: number): Promise<void> {
    const { shards } = this.#services.online;
    const lanes = deltas.filter((_part, slot) => slot % shards === shard);
    const bytes = lanes.reduce((sum, lane) => sum + lane.bytes.length, 0);
    const all = [...parts.values()];
    if (bytes <= this.#services.settings.mergeBytes) {
      const to = ({ member, end }: Part) => (member.marks[shard] as Mark).map((offset) => Math.max(offset, end));
      await this.#move(shard, all, to, joinDelta(lanes));
    } else {
      for (const [lane, delta] of lanes.entries()) {
        const to = ({ member, end }: Part) => (member.marks[shard] as Mark).map((offset, l) => (l === lane ? Math.max(offset, end) : offset));
        await this.#move(shard, all, to, joinDelta([delta]));
      }
    }
  }

  async #move(shard: number, parts: readonly Part[], to: (part: Part) => Mark, delta: Buffer): Promise<void> {
    const moves: MarkMove[] = [];
    const moved: { member: Member; to: Mark }[] = [];
    for (const part of parts) {
      const [expected, next] = [part.member.marks[shard] as Mark, to(part)];
      if (writeMark(expected) === writeMark(next)) continue;
      moves.push({ source: part.member.source, expected, to: next });
      moved.push({ member: part.member, to: next });
    }
    if (moves.length === 0) return;
    if (this.#services.at) await this.#services.at('O3', `shard ${shard}`);
    if ((await this.#services.online.merge(shard, moves, delta)) === 'conflict') throw new Rewind(`shard ${shard} stands elsewhere`);
    for (const { member, to: mark } of moved) member.marks[shard] = mark;
  }

  async #at(step: ProtocolStep, ranges: string): Promise<void> {
    if (this.#services.at) await this.#services.at(step, `${this.#topology.name}/${ranges}`);
  }
}

const rangeOf = ({ member, first, end }: Part): string => `${member.source.partition} ${first}-${end}`;

/** Comes back when all have ended, with the first error if there was one; one that makes everything start again comes first. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failures = (await Promise.allSettled(work)).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 0) throw failures.find((failure) => failure instanceof Rewind) ?? failures[0];
}
