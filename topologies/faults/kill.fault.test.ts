import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { Ledger, Worker } from './harness.ts';

let stack: TestStack;
let ledger: Ledger;
const workers: Worker[] = [];

beforeAll(async () => {
  stack = await startTestStack({ FORYOU_DEDUPE_GENERATION: '2048', FORYOU_PARTITIONS: '2', FORYOU_MERGE_BYTES: '512' });
  ledger = new Ledger(stack.config);
});
afterAll(async () => {
  await Promise.all(workers.map((w) => w.end('SIGKILL')));
  await ledger?.close();
  await stack?.stop();
});

function worker(name: string, stopAt?: { step: string; occurrence: number }): Worker {
  const started = new Worker(stack.config, name, stopAt);
  workers.push(started);
  return started;
}

async function stopAll(): Promise<void> {
  await Promise.all(workers.splice(0).map((w) => w.end('SIGTERM')));
}

describe('kill -9 between the steps of the history protocol', () => {
  test.each(['H1', 'H2', 'H3', 'H4', 'H5'])('as %s begins', async (step) => {
    await stopAll();
    await ledger.send(300, true);
    const victim = worker('engagement-history', { step, occurrence: 1 });
    await victim.frozen;
    // More arrives while it is frozen: the batch must be cut again where it was planned.
    await ledger.send(300);
    await victim.end('SIGKILL');
    await ledger.expectNoCommitAhead();
    worker('engagement-history');
    worker('engagement-online');
    await ledger.expectAll();
  });
});

describe('kill -9 between the steps of the online protocol', () => {
  // O3 begins once per flush and once per shard, of a long delta once per lane: 1 is before any merge, 7 lets some shards
  // merge a lane and freezes the others, 120 has lanes merged in all of them.
  test.each([
    ['O1', 1],
    ['O2', 1],
    ['O3', 1],
    ['O3', 7],
    ['O3', 120],
    ['O4', 1],
    ['O5', 1],
  ])('as %s begins for time %i', async (step, occurrence) => {
    await stopAll();
    await ledger.send(300, true);
    const victim = worker('engagement-online', { step, occurrence });
    await victim.frozen;
    await ledger.send(100);
    await victim.end('SIGKILL');
    await ledger.expectNoCommitAhead();
    worker('engagement-history');
    worker('engagement-online');
    await ledger.expectAll();
  });
});

describe('kill -9 between the steps of the decision protocol', () => {
  test.each(['D1', 'D2', 'D3', 'D4'])('as %s begins', async (step) => {
    await stopAll();
    worker('engagement-online');
    worker('pool-decisions-online');
    worker('pool-decisions-history');
    const videoId = `unknown-${step}`;
    const shown = await ledger.sendShown(videoId, 40, 2);
    const victim = worker('exposure-pools', { step, occurrence: 1 });
    await victim.frozen;
    await victim.end('SIGKILL');
    worker('exposure-pools');
    await ledger.expectDecisions(videoId, [{ pool: 0, verdict: 'hold', n: 1 }]);
    expect(shown).toBe(40);
  });
});

test('a graceful stop loses nothing and leaves no lag behind for the next', async () => {
  await stopAll();
  await ledger.send(500);
  const [history, online] = [worker('engagement-history'), worker('engagement-online')];
  await ledger.caughtUp();
  await stopAll();
  expect([history.child.exitCode, online.child.exitCode]).toEqual([0, 0]);
  await ledger.expectAll();
});

test('two instances that rebalance back and forth under load count everything once', async () => {
  await stopAll();
  const [history, online] = [worker('engagement-history'), worker('engagement-online')];
  let sending = true;
  const load = (async () => {
    while (sending) await ledger.send(100);
  })();
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
    const second = [worker('engagement-history'), worker('engagement-online')];
    const before = await Promise.all([ledger.lag('engagement-history'), ledger.lag('engagement-online')]);
    expect(before.length).toBe(2);
    await ledger.send(200);
    // Both members work before one of them leaves.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await Promise.all(second.map((w) => w.end(signal)));
    await ledger.send(200);
  }
  sending = false;
  await load;
  await ledger.expectAll();
  expect([history.child.exitCode, online.child.exitCode]).toEqual([null, null]);
});
