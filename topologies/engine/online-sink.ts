import type { PartitionLease } from '#infra/log/log.ts';
import { offsetOf, writeMark } from '#infra/online/online.ts';
import type { Row } from './avro-reader.ts';
import type { Member, MergeGroup } from './merge-group.ts';
import type { PartitionSink, Services } from './services.ts';
import type { Topology } from './topology.ts';

/** Worked through before the event loop turns: heartbeats, merges and their answers wait for it. */
const sliceRecords = 2_000;
/** This far behind the end of the log is still near it. */
const nearRecords = 2_000;

/**
 * Exactly-once into the online store, one partition in a group of them:
 *   O1  read every shard's watermark; start at the lowest of them and the committed offset, and commit the lowest
 *       where a crash between O4 and O5 left the commit behind it
 *   O2  fold the batch into one delta per shard, of each partition and for each shard only what its watermark lacks
 *   O3  per shard, merge the delta and move the watermarks of all partitions in one atomic script, which changes
 *       nothing unless each watermark stands where its assignment believes it to stand; a long delta
 *       lane by lane, each with its own marks, since nobody else is answered while a script runs
 *   O4  wait for all shards; a conflict means that the store lost time or has another owner: O1, for the whole group
 *   O5  commit the end of each partition
 * A store that lost its last second therefore replays exactly that second, and an empty store is
 * rebuilt by the same code.
 */
export class OnlineSink implements PartitionSink<Row> {
  readonly #services: Services;
  readonly #group: MergeGroup;
  readonly #member: Member;
  #nearEnd = true;
  /** Up to where records were given to the group. */
  #next = 0;

  constructor(topology: Topology, services: Services, partition: number, lease: PartitionLease, group: MergeGroup) {
    this.#services = services;
    this.#group = group;
    const admission = {
      everything: (offset: number) => offset >= this.#member.highest,
      admits: (slot: number, offset: number) => offset >= offsetOf(this.#member.marks, slot), // MUTANT:admits
    };
    this.#member = { source: { group: topology.name, topic: topology.source.topic, partition }, lease, admission, marks: [], highest: 0, generation: -1 };
  }

  // O1
  async start(): Promise<number> {
    const { source, lease } = this.#member;
    await this.#services.at?.('O1', `${source.group}/${source.partition}`);
    // A batch that is still on its way must not move marks behind the back of what is read here.
    await this.#group.enter(this.#member);
    this.#member.marks = await this.#services.online.watermarks(source);
    const marks = this.#member.marks.flat();
    this.#member.highest = Math.max(...marks);
    const { offset } = await lease.committed();
    const lowest = Math.min(...marks);
    this.#next = Math.min(offset ?? 0, lowest);
    // With no record to come there is no O5, and what waits for this commit would wait for ever.
    if (lowest > (offset ?? 0)) {
      this.#next = lowest;
      await lease.commit(lowest, '');
    }
    return this.#next;
  }

  cut(pending: readonly unknown[]): number {
    return Math.min(sliceRecords, pending.length);
  }

  // O2
  add(row: Row, record: { readonly offset: number }): void {
    this.#group.add(this.#member, row, record.offset);
  }

  /**
   * Near the end of the log every batch is flushed: freshness counts. Far behind it half of what all partitions have left is
   * folded together, and what comes while the store still merges, since one merge then stands for many events of an entity.
   */
  ripe(end: number, logEnd: number): boolean {
    this.#group.reached(this.#member, this.#next, end, logEnd - end);
    this.#next = end;
    this.#nearEnd = logEnd - end < nearRecords;
    const { foldRecords } = this.#services.settings;
    const { records, left, busy } = this.#group;
    return this.#nearEnd || records >= foldRecords || (!busy && records >= Math.min(foldRecords, left / 2));
  }

  /** The history topology of the same source writes the dead letters. */
  rejected(): void {}

  /** Near the end of the log the merge is awaited. Far behind it the store merges one batch while the next is folded. */
  flush(): Promise<void> {
    return this.#group.flush(this.#member, this.#nearEnd);
  }

  async stillThere(): Promise<boolean> {
    const moving = () => this.#group.isOf(this.#member) && this.#group.holds(this.#member);
    if (moving()) return true;
    const stored = await this.#services.online.watermarks(this.#member.source);
    return moving() || (this.#group.isOf(this.#member) && stored.every((mark, shard) => writeMark(mark) === writeMark(this.#member.marks[shard] ?? [])));
  }
}
