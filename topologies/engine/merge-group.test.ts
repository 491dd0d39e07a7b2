import { setImmediate } from 'node:timers/promises';
import avro from 'avsc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ForyouError } from '#infra/errors.ts';
import type { PartitionLease } from '#infra/log/log.ts';
import { ViewCatalog } from '#infra/online/delta.ts';
import { MemoryOnlineStore } from '#infra/online/memory.ts';
import type { MarkMove } from '#infra/online/online.ts';
import { avroOf } from '#schemas/events/avro.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import type { AnyView } from '#schemas/features/view.ts';
import { engagementViews } from '#schemas/features/views/engagement.ts';
import { allViews } from '#schemas/features/views/index.ts';
import { engagementOnline } from '../engagement.ts';
import { makeEngagement } from '../faults/events.ts';
import { compileReader, newRow } from './avro-reader.ts';
import { firstDifference } from './feature-agreement.ts';
import { memorySetting } from './guide/setting.ts';
import { MergeGroup } from './merge-group.ts';
import { OnlineSink } from './online-sink.ts';
import { Rewind } from './services.ts';

const nowMs = Date.now();
const catalog = new ViewCatalog(allViews);
const type = avro.Type.forSchema(avroOf(engagement) as avro.Schema);
const read = compileReader(engagement, avroOf(engagement));
const perPartition = 40;
const eventsOf = (partition: number): Engagement[] => Array.from({ length: perPartition }, (_, i) => makeEngagement(partition * 1_000 + i, 'group', nowMs));
const bodiesOf = [0, 1, 2].map((partition) => eventsOf(partition).map((event) => type.toBuffer(event)));

/** A store that fails when it is told to: before it merges, or when it has. */
class Failing extends MemoryOnlineStore {
  next: 'before' | 'after' | null = null;
  /** How many sources each merge spoke of. */
  readonly sources: number[] = [];
  override async merge(shard: number, moves: readonly MarkMove[], delta: Buffer) {
    const failure = this.next;
    this.next = null;
    await setImmediate();
    if (failure === 'before') throw new ForyouError('unavailable', 'away');
    const outcome = await super.merge(shard, moves, delta);
    if (outcome === 'applied') this.sources.push(moves.length);
    if (failure === 'after') throw new ForyouError('unavailable', 'the answer was lost');
    return outcome;
  }
}

/** One partition as its worker leads it: reads on, flushes what is ripe, tries again, and starts again when it is told to. */
class Led {
  next = 0;
  committed: number | null = null;
  #sink!: OnlineSink;
  #lease!: PartitionLease & { lost: boolean };
  #owed = false;
  readonly #make: (lease: PartitionLease) => OnlineSink;
  readonly #partition: number;

  constructor(partition: number, make: (lease: PartitionLease) => OnlineSink) {
    this.#partition = partition;
    this.#make = make;
  }

  /** A new assignment, of this process or of another one that has the partition from now on. */
  async assign(make = this.#make): Promise<void> {
    if (this.#lease) this.#lease.lost = true;
    const committed = async () => ({ offset: this.committed, metadata: '' });
    const commit = async (offset: number) => {
      this.committed = offset;
    };
    const lease = { lost: false, committed, commit, seek: () => {} };
    this.#lease = lease;
    this.#sink = make(lease);
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#owed = false;
    this.next = await this.#sink.start();
  }

  /** Takes so many records and flushes them if it is time; `left` more are to come. */
  take(n: number, left: number): Promise<void> {
    return this.#patiently(async () => {
      if (this.#owed) await this.#sink.flush();
      this.#owed = false;
      if (n === 0) return;
      const row = newRow(engagement);
      const end = Math.min(perPartition, this.next + n);
      for (; this.next < end; this.next++) {
        const body = (bodiesOf[this.#partition] as Buffer[])[this.next] as Buffer;
        read?.(body, 0, body.length, row);
        this.#sink.add(row, { offset: this.next });
      }
      this.#owed = this.#sink.ripe(this.next, this.next + left);
      if (this.#owed) await this.#sink.flush();
      this.#owed = false;
    });
  }

  check(): Promise<void> {
    return this.#patiently(async () => {
      if (!(await this.#sink.stillThere())) throw new Rewind('not there');
    });
  }

  async #patiently(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof Rewind) await this.#start();
      else if (!(error instanceof ForyouError)) throw error;
    }
  }
}

async function setting() {
  const { services } = await memorySetting();
  const store = new Failing({ shards: 3, catalog });
  const given = { ...services, online: store, settings: { ...services.settings, foldRecords: 12, mergeBytes: 3_000 } };
  const group = () => new MergeGroup(engagementOnline, engagementViews as readonly AnyView[], given);
  const of = (partition: number, one: MergeGroup) => (lease: PartitionLease) => new OnlineSink(engagementOnline, given, partition, lease, one);
  const [here, there] = [group(), group()];
  const led = bodiesOf.map((_bodies, partition) => new Led(partition, of(partition, here)));
  for (const one of led) await one.assign();
  return { store, led, elsewhere: (partition: number) => of(partition, there) };
}

/** Brings all partitions to the end of the log. */
async function drain(led: readonly Led[]): Promise<void> {
  for (let round = 0; led.some((one) => one.committed !== perPartition); round++) {
    expect(round, 'rounds until all is committed').toBeLessThan(200);
    await Promise.all(led.map((one) => one.take(7, 0)));
    for (const one of led) await one.check();
  }
}

const far = 100_000;
const round = fc.record({
  happens: fc.constantFrom('nothing', 'nothing', 'nothing', 'assigned anew', 'assigned to another process', 'store away', 'answer lost'),
  to: fc.nat(2),
  takes: fc.tuple(...bodiesOf.map(() => fc.record({ n: fc.nat(9), left: fc.constantFrom(0, far) }))),
});

test('whatever fails, starts again or moves to another process, each record counts once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { maxLength: 15 }), async (rounds) => {
      const { store, led, elsewhere } = await setting();
      for (const { happens, to, takes } of rounds) {
        if (happens === 'store away') store.next = 'before';
        if (happens === 'answer lost') store.next = 'after';
        const moves = happens.startsWith('assigned') ? to : -1;
        await Promise.all(
          led.map((one, partition) => {
            const { n, left } = takes[partition] as { n: number; left: number };
            if (partition !== moves) return one.take(n, left);
            return one.assign(happens === 'assigned anew' ? undefined : elsewhere(partition));
          }),
        );
      }
      store.next = null;
      await drain(led);
      expect(await firstDifference(store, [0, 1, 2].flatMap(eventsOf), nowMs)).toBeNull();
    }),
    { numRuns: 150 },
  );
}, 60_000);

test('far behind, all partitions of a process are merged together', async () => {
  const { store, led } = await setting();
  for (let round = 0; round < 4; round++) for (const one of led) await one.take(4, far);
  await drain(led);
  expect(Math.max(...store.sources)).toBe(3);
  expect(await firstDifference(store, [0, 1, 2].flatMap(eventsOf), nowMs)).toBeNull();
});

test('near the end of the log, what comes while the store is busy goes in one batch', async () => {
  const { store, led } = await setting();
  await Promise.all(led.map((one) => one.take(3, 0)));
  // The first goes alone, and the others, which came meanwhile, together.
  expect(new Set(store.sources)).toEqual(new Set([1, 2]));
  expect(led.map((one) => one.committed)).toEqual([3, 3, 3]);
});
