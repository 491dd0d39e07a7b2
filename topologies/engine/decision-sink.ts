import { setTimeout } from 'node:timers/promises';
import { ForyouError } from '#infra/errors.ts';
import type { PartitionLease } from '#infra/log/log.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import type { Row } from './avro-reader.ts';
import type { PartitionSink, ProtocolStep, Services } from './services.ts';
import type { Decider, Topology } from './topology.ts';

const waitMs = 20;
const patienceMs = 5_000;

/**
 * Decisions that follow from online state, one partition:
 *   D1  wait until the online topology of the same source has committed the batch's end
 *   D2  read the state of the entities that the batch speaks of, and decide
 *   D3  append the decisions
 *   D4  commit the end
 * A crash before D4 asks again about the same entities. A decision that was appended before is appended again at
 * most with the same id, and the topologies of its topic count the first: once in the audit, once online.
 */
export class DecisionSink implements PartitionSink<Row> {
  readonly #topology: Topology;
  readonly #decider: Decider;
  readonly #services: Services;
  readonly #producer: EventProducer;
  readonly #partition: number;
  readonly #lease: PartitionLease;
  #entities = new Set<string>();
  #atMs = 0;

  constructor(topology: Topology, decider: Decider, services: Services, partition: number, lease: PartitionLease) {
    this.#topology = topology;
    this.#decider = decider;
    this.#services = services;
    this.#producer = new EventProducer(services);
    this.#partition = partition;
    this.#lease = lease;
  }

  async start(): Promise<number> {
    this.#entities = new Set();
    return (await this.#lease.committed()).offset ?? 0;
  }

  cut(pending: readonly unknown[]): number {
    return pending.length;
  }

  add(row: Row, record: { readonly appendedAtMs: number }): void {
    this.#entities.add(row[this.#decider.entity] as string);
    this.#atMs = record.appendedAtMs;
  }

  /** The history topology of the same source writes the dead letters. */
  rejected(): void {}

  ripe(): boolean {
    return true;
  }

  async flush(first: number, end: number): Promise<void> {
    const range = `${first}-${end}`;
    if (this.#entities.size > 0) {
      await this.#at('D1', range);
      await this.#caughtUp(end);
      await this.#at('D2', range);
      const decided = await this.#decider.decide([...this.#entities], this.#services.online, this.#atMs);
      await this.#at('D3', range);
      if (decided.length > 0) await this.#producer.send(this.#decider.contract, decided as never[]);
      this.#services.telemetry.count('foryou_decisions_total', { topology: this.#topology.name }, decided.length);
    }
    await this.#at('D4', range);
    await this.#lease.commit(end, '');
    this.#entities.clear();
  }

  async #caughtUp(end: number): Promise<void> {
    for (let waited = 0; waited < patienceMs; waited += waitMs) {
      const marks = await this.#services.log.committedOf(this.#decider.after, this.#topology.source.topic);
      if ((marks.find((m) => m.partition === this.#partition)?.offset ?? 0) >= end) return;
      await setTimeout(waitMs);
    }
    throw new ForyouError('unavailable', `${this.#decider.after} has not come to offset ${end} of partition ${this.#partition} yet`);
  }

  async #at(step: ProtocolStep, range: string): Promise<void> {
    if (this.#services.at) await this.#services.at(step, `${this.#topology.name}/${this.#partition} ${range}`);
  }
}
