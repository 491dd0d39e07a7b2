import { setTimeout } from 'node:timers/promises';
import { ForyouError } from '#infra/errors.ts';
import type { PartitionLease } from '#infra/log/log.ts';
import { eventOf, type Row } from './avro-reader.ts';
import type { FairQueue } from './fair-queue.ts';
import type { PartitionSink, ProtocolStep, Services } from './services.ts';
import type { Topology, Work } from './topology.ts';

/** Pieces of one partition that are in memory; more wait in the log. */
const mostTaken = 500;
const lookEveryMs = 250;
const firstWaitMs = 500;
const longestWaitMs = 30_000;

/**
 * Long work, one partition:
 *   W1  take a record into the queue
 *   W2  do its work, whose finished parts are kept under names that follow from it
 *   W3  decide how it ended, by a write that only the first can make
 *   W4  append the event that the decision names
 *   W5  commit up to the first record whose work has not ended
 * Records end in any order, so W5 may lag: a crash takes the ones after the commit again. What ended is found at W3
 * and said again with the same id at W4; what did not goes on with the parts that W2 kept. While a partition changes
 * hands two processes may do the same work: they write the same parts, and W3 has one winner.
 */
export class WorkSink implements PartitionSink<Row> {
  readonly #topology: Topology;
  readonly #work: Work<Row>;
  readonly #services: Services;
  readonly #partition: number;
  readonly #lease: PartitionLease;
  readonly #queue: FairQueue;
  readonly #stopping: AbortSignal;
  #added: { offset: number; row: Row }[] = [];
  readonly #open = new Set<number>();
  #end = 0;
  #committed = 0;
  #committing: Promise<void> = Promise.resolve();

  constructor(
    topology: Topology,
    work: Work<Row>,
    services: Services,
    place: { partition: number; lease: PartitionLease },
    turns: { queue: FairQueue; stopping: AbortSignal },
  ) {
    this.#topology = topology;
    this.#work = work;
    this.#services = services;
    this.#partition = place.partition;
    this.#lease = place.lease;
    this.#queue = turns.queue;
    this.#stopping = turns.stopping;
  }

  async start(): Promise<number> {
    this.#added = [];
    this.#open.clear();
    this.#committed = (await this.#lease.committed()).offset ?? 0;
    this.#end = this.#committed;
    return this.#committed;
  }

  cut(pending: readonly unknown[]): number {
    return pending.length;
  }

  /** The row is used again for the next record. */
  add(row: Row, record: { readonly offset: number }): void {
    this.#added.push({ offset: record.offset, row: eventOf(this.#topology.source, row) as Row });
  }

  /** The history topology of the same source writes the dead letters. */
  rejected(): void {}

  ripe(): boolean {
    return true;
  }

  async flush(_first: number, end: number): Promise<void> {
    const taken = this.#added;
    this.#added = [];
    for (const { offset, row } of taken) {
      await this.#at('W1', offset);
      this.#open.add(offset);
      this.#end = offset + 1;
      void this.#until(offset, row);
    }
    this.#end = end;
    await this.#commit();
    while (this.#open.size > mostTaken && !this.#lease.lost && !this.#stopping.aborted) await setTimeout(lookEveryMs);
  }

  /** Works on one record until it has ended or is not ours any more. Between two tries it holds no turn: others go on. */
  async #until(offset: number, row: Row): Promise<void> {
    const gone = new AbortController();
    const watch = setInterval(() => this.#lease.lost && gone.abort(new ForyouError('fenced', 'the partition has another owner')), lookEveryMs);
    const signal = AbortSignal.any([this.#stopping, gone.signal]);
    try {
      for (let waitMs = firstWaitMs; !signal.aborted; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
        let ended = false;
        await this.#queue.run(this.#work.owner(row), this.#work.cost(row), signal, async () => {
          ended = await this.#try(offset, row, signal);
        });
        if (ended) return;
        await setTimeout(waitMs, undefined, { signal }).catch(() => {});
      }
    } finally {
      clearInterval(watch);
    }
  }

  /** Whether it ended. */
  async #try(offset: number, row: Row, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#work.run(row, signal, (step) => this.#at(step, offset));
      this.#open.delete(offset);
      await this.#at('W5', offset);
      await this.#commit();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#services.telemetry.count('foryou_work_failures_total', { topology: this.#topology.name });
      if (!(error instanceof ForyouError)) console.error(error);
      return false;
    }
  }

  /** One at a time and never back. */
  #commit(): Promise<void> {
    this.#committing = this.#committing.then(async () => {
      const to = Math.min(this.#end, ...this.#open);
      if (to <= this.#committed || this.#lease.lost || this.#stopping.aborted) return;
      // A commit that fails is made up for by the next one, or the work is found to have ended.
      await this.#lease.commit(to, '').then(
        () => {
          this.#committed = to;
        },
        () => {},
      );
    });
    return this.#committing;
  }

  async #at(step: ProtocolStep, offset: number): Promise<void> {
    if (this.#services.at) await this.#services.at(step, `${this.#topology.name}/${this.#partition} ${offset}`);
  }
}
