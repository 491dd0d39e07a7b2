import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { makeEngagement } from './events.ts';
import { Ledger, Worker } from './harness.ts';

let stack: TestStack;
let ledger: Ledger;
let history: Worker;
let online: Worker;
let supervisor: NodeJS.Timeout;

beforeAll(async () => {
  stack = await startTestStack({ FORYOU_DEDUPE_GENERATION: '8192', FORYOU_PARTITIONS: '2' });
  ledger = new Ledger(stack.config);
  history = new Worker(stack.config, 'engagement-history');
  online = new Worker(stack.config, 'engagement-online');
  // A topology that could not go on ends; what the supervisor does about it in production is done here.
  supervisor = setInterval(() => {
    if (history.child.exitCode !== null) history = new Worker(stack.config, 'engagement-history');
    if (online.child.exitCode !== null) online = new Worker(stack.config, 'engagement-online');
  }, 200);
});
afterAll(async () => {
  clearInterval(supervisor);
  await Promise.all([history?.end('SIGKILL'), online?.end('SIGKILL')]);
  await ledger?.close();
  await stack?.stop();
});
/** Keeps events coming while something is broken. */
async function underLoad(work: () => Promise<void>): Promise<void> {
  let sending = true;
  const load = (async () => {
    while (sending) await ledger.send(100);
  })();
  try {
    await work();
  } finally {
    sending = false;
    await load;
  }
}

test('Redis killed and restarted: it lost up to its last second, and that second is replayed', async () => {
  await ledger.send(500, true);
  await ledger.caughtUp();
  await underLoad(async () => {
    await stack.stack.process('redis').kill9();
    await ledger.send(200);
    await stack.stack.process('redis').start();
  });
  await ledger.expectAll();
});

test('Redis emptied: it is rebuilt from the log by the same code', async () => {
  await ledger.caughtUp();
  await ledger.adapters.online.client.flushall();
  await eventually('the online store equals history again', async () => {
    await ledger.expectOnline();
    return true;
  });
  await ledger.expectAll();
});

test('ClickHouse killed in the middle of an insert: every row is there once, in the table and in what follows from it', async () => {
  const { warehouse } = ledger.adapters;
  await ledger.caughtUp();
  // A view that takes two seconds for each block holds every insert in its middle.
  await warehouse.command('CREATE TABLE slow_target (n UInt64) ENGINE = Null');
  await warehouse.command('CREATE MATERIALIZED VIEW slow_mv TO slow_target AS SELECT toUInt64(sleep(2)) AS n FROM engagements');
  const inTheMiddle = async () => {
    const [row] = await warehouse.query<{ n: number }>(
      "SELECT count() AS n FROM system.processes WHERE query_kind = 'Insert' AND elapsed > 0.5 AND query LIKE 'INSERT INTO engagements%'",
    );
    return (row?.n ?? 0) > 0;
  };
  for (let round = 0; round < 3; round++) {
    await ledger.send(2_000);
    await eventually('an insert is in its middle', inTheMiddle);
    await stack.stack.process('clickhouse').kill9();
    await stack.stack.process('clickhouse').start();
  }
  await warehouse.command('DROP TABLE slow_mv SYNC');
  await warehouse.command('DROP TABLE slow_target SYNC');
  await ledger.expectAll();
});

test('ClickHouse away for a minute: freshness holds meanwhile, and nothing is lost', async () => {
  await ledger.caughtUp();
  await stack.stack.process('clickhouse').kill9();
  const until = Date.now() + 60_000;
  const producer = new EventProducer(ledger.adapters);
  const waits: number[] = [];
  for (let i = 0; Date.now() < until; i++) {
    const event = {
      ...makeEngagement(0, 'probe', Date.now()),
      eventId: `probe-${i}`,
      userId: 'user-1',
      videoId: `probe-video-${i}`,
      kind: 'watch' as const,
      occurredAt: Date.now(),
    };
    const began = performance.now();
    ledger.expectAlso(event);
    await producer.send(engagement, [event]);
    await eventually(
      'the watch is counted online',
      async () => {
        const [value] = await ledger.adapters.online.values(videoView, [event.videoId]);
        return readPackedRow(videoView, value ?? null, Date.now()).watches_all === 1;
      },
      5_000,
    );
    waits.push(performance.now() - began);
    await ledger.send(20);
  }
  expect(waits.length).toBeGreaterThan(50);
  await stack.stack.process('clickhouse').start();
  await ledger.expectAll();
});

test('the broker restarted: producers, consumers and sinks go on', async () => {
  await ledger.send(300);
  await stack.stack.process('kafka').stop();
  await stack.stack.process('kafka').start();
  await eventually('the broker takes events again', async () => {
    await ledger.adapters.log.offsets(engagement.topic);
    return true;
  });
  await ledger.send(300);
  await ledger.expectAll();
});

test('a burst: memory stays bounded and lag returns to zero', async () => {
  const residentMb = (w: Worker) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${w.child.pid}/status`, 'utf8'))?.[1]) / 1024;
  let highest = 0;
  const watch = setInterval(() => {
    highest = Math.max(highest, residentMb(history), residentMb(online));
  }, 50);
  try {
    // Repeats come within the dedupe window, which is all that is promised.
    for (let i = 0; i < 10; i++) await ledger.send(3_000);
    await ledger.caughtUp();
  } finally {
    clearInterval(watch);
  }
  expect(highest).toBeGreaterThan(30);
  expect(highest).toBeLessThan(700);
  await ledger.expectAll();
});

test('one video takes nine of ten events: each counts once, and lag returns to zero', async () => {
  let i = 0;
  const viral = () =>
    ledger.send(2_000, false, (e) => (i++ % 10 === 0 ? e : { ...e, videoId: 'viral', creatorId: 'creator-0', topic: 'topic-0', userId: `fan-${i % 5_000}` }));
  for (let round = 0; round < 10; round++) await viral();
  await ledger.expectAll();
});
