import { afterAll, describe, expect, inject, test } from 'vitest';
import { sharedConfig } from '../testing/shared-stack.ts';
import { eventually } from '../testing/test-stack.ts';
import { KafkaLog } from './kafka.ts';
import type { Log, LogRecord, PartitionHandler, PartitionLease } from './log.ts';
import { MemoryLog } from './memory.ts';

const config = sharedConfig(inject('stackEnvironment'));
const logs: [string, Log][] = [
  ['kafka', new KafkaLog({ brokers: config.kafkaBrokers, clientId: 'contract', sessionTimeoutMs: 2_000 })],
  ['memory', new MemoryLog()],
];
afterAll(() => Promise.all(logs.map(([, log]) => log.close())));

const record = (key: string, value: string | null, partition?: number) => ({
  key,
  value: value === null ? null : Buffer.from(value),
  ...(partition === undefined ? {} : { partition }),
});

/** A handler that keeps what it is given. */
function keeper(start: (partition: number) => number, onRecords: (records: readonly LogRecord[], lease: PartitionLease) => Promise<void> = async () => {}) {
  const seen: { partition: number; record: LogRecord }[] = [];
  const leases = new Map<number, PartitionLease>();
  const handler: PartitionHandler = {
    assigned: async (partition, lease) => {
      leases.set(partition, lease);
      return start(partition);
    },
    records: async (partition, records) => {
      seen.push(...records.map((r) => ({ partition, record: r })));
      await onRecords(records, leases.get(partition) as PartitionLease);
    },
    revoked: () => {},
  };
  return { seen, leases, handler };
}

describe.each(logs)('log contract: %s', (_name, log) => {
  let topic = '';
  const fresh = async (partitions: number): Promise<string> => {
    topic = `contract-${crypto.randomUUID()}`;
    await log.createTopics([{ name: topic, partitions }]);
    return topic;
  };

  test('one key meets one partition, in order, with null values and headers kept', async () => {
    const name = await fresh(3);
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.append(name, [record('same', `v${i}`)])));
    await log.append(name, [record('same', null)]);
    await log.append(name, [{ ...record('same', 'last'), headers: { why: 'because' } }]);
    const offsets = await log.offsets(name);
    const { partition, high } = offsets.find((p) => p.high > 0) as (typeof offsets)[number];
    expect(offsets.map((p) => p.high).sort()).toEqual([0, 0, 22]);
    const read: LogRecord[] = [];
    await log.read(name, partition, 0, high, (records) => read.push(...records));
    expect(read.map((r) => r.offset)).toEqual(Array.from({ length: 22 }, (_, i) => i));
    expect(read[20]?.value).toBeNull();
    expect(String(read[21]?.headers?.['why'])).toBe('because');
    expect(Math.abs((read[0]?.appendedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('a consumer begins where its handler says, sees later records, and keeps what it committed', async () => {
    const name = await fresh(1);
    await log.append(
      name,
      Array.from({ length: 10 }, (_, i) => record('k', `v${i}`)),
    );
    const group = `group-${name}`;
    const first = keeper(
      () => 4,
      async (records, lease) => lease.commit((records.at(-1) as LogRecord).offset + 1, '{"plan":1}'),
    );
    const consumer = await log.consume({ group, topic: name }, first.handler);
    await eventually('the first ten', async () => first.seen.length >= 6);
    await log.append(name, [record('k', 'later')]);
    await eventually('the later one', async () => first.seen.length === 7);
    await consumer.stop();
    expect(first.seen.map((s) => s.record.offset)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    expect(await log.committedOf(group, name)).toMatchObject([{ partition: 0, offset: 11 }]);
    expect(await first.leases.get(0)?.committed()).toMatchObject({ offset: 11, metadata: '{"plan":1}' });
    await expect(first.leases.get(0)?.commit(3, '')).rejects.toMatchObject({ code: 'fenced' });
  });

  test('what a batch commits after its consumer was asked to stop is committed, or the batch is told that it is not', async () => {
    const name = await fresh(1);
    await log.append(name, [record('k', 'v')]);
    const group = `group-${name}`;
    let begun = false;
    let stopping = () => {};
    const asked = new Promise<void>((resolve) => {
      stopping = resolve;
    });
    let said = 'nothing';
    const kept = keeper(
      () => 0,
      async (_records, lease) => {
        begun = true;
        await asked;
        said = await lease.commit(1, 'planned').then(
          () => 'committed',
          (error) => error.code,
        );
      },
    );
    const consumer = await log.consume({ group, topic: name }, kept.handler);
    await eventually('the batch', async () => begun);
    const stopped = consumer.stop();
    stopping();
    await stopped;
    const [committed] = await log.committedOf(group, name);
    expect(said).toBe(committed?.offset === 1 ? 'committed' : 'fenced');
  });

  test('a seek while records are handled continues there', async () => {
    const name = await fresh(1);
    await log.append(
      name,
      Array.from({ length: 5 }, (_, i) => record('k', `v${i}`)),
    );
    let rewound = false;
    const kept = keeper(
      () => 0,
      async (_records, lease) => {
        if (rewound) return;
        rewound = true;
        lease.seek(2);
      },
    );
    const consumer = await log.consume({ group: `group-${name}`, topic: name }, kept.handler);
    await eventually('the repeat', async () => kept.seen.length >= 8);
    await consumer.stop();
    expect(kept.seen.map((s) => s.record.offset)).toEqual([0, 1, 2, 3, 4, 2, 3, 4]);
  });

  test('a group that never committed says so', async () => {
    const name = await fresh(1);
    const kept = keeper(() => 0);
    const consumer = await log.consume({ group: `group-${name}`, topic: name }, kept.handler);
    await eventually('the assignment', async () => kept.leases.has(0));
    expect((await kept.leases.get(0)?.committed())?.offset).toBeNull();
    await consumer.stop();
  });
});

test('an idle consumer does not spin: kafkajs keeps no timer of a millisecond', async () => {
  const log = new KafkaLog({ brokers: config.kafkaBrokers, clientId: 'idle' });
  const name = `idle-${crypto.randomUUID()}`;
  await log.createTopics([{ name, partitions: 1 }]);
  const kept = keeper(() => 0);
  const consumer = await log.consume({ group: name, topic: name, maxWaitMs: 500 }, kept.handler);
  await eventually('the assignment', async () => kept.leases.has(0));
  // Timers that are due at once are what a spinning client makes: about a thousand a second.
  const { setTimeout: original } = globalThis;
  let dueAtOnce = 0;
  globalThis.setTimeout = ((work: () => void, ms: number) => {
    if (!(ms > 1)) dueAtOnce++;
    return original(work, ms);
  }) as typeof setTimeout;
  try {
    await new Promise((resolve) => original(resolve, 2_000));
  } finally {
    globalThis.setTimeout = original;
  }
  expect(dueAtOnce).toBeLessThan(100);
  await consumer.stop();
  await log.close();
});
