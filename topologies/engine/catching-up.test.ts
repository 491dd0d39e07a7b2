import { expect, test } from 'vitest';
import { eventually } from '#infra/testing/test-stack.ts';
import { follow } from '#schemas/events/follow.ts';
import { deadLetterTopic } from '#schemas/events/index.ts';
import { userFollows } from '#schemas/features/views/social.ts';
import { follows } from '#schemas/tables/history.ts';
import { followOnline } from '../social.ts';
import { dedupe } from '../steps/dedupe.ts';
import { memorySetting } from './guide/setting.ts';
import { runTopology } from './runner.ts';
import { steps } from './steps.ts';
import { rows, type Topology, topology } from './topology.ts';

const history = topology('catching-up-history', { source: follow, steps: steps(dedupe), sink: rows(follows) });
const total = 20_000; // twenty fetches of the log in memory
const event = (i: number) => ({ eventId: `e${i}`, userId: `u${i % 50}`, creatorId: `c${i}`, kind: 'follow' as const, occurredAt: Date.now() });

/** Runs a topology that is behind to the end of the log and one event further; how often a step began on each part of the way. */
async function stepsOf(catching: Topology, step: string, insertBytes = 100_000_000, bad?: Buffer) {
  const { services, producer } = await memorySetting();
  const settings = { ...services.settings, insertRecords: 100_000, insertBytes, foldRecords: 100_000 };
  for (let i = 0; i < total; i += 1_000) {
    if (bad)
      await services.log.append(
        follow.topic,
        Array.from({ length: 1_000 }, () => ({ key: 'k', value: bad })),
      );
    else
      await producer.send(
        follow,
        Array.from({ length: 1_000 }, (_, k) => event(i + k)),
      );
  }
  let began = 0;
  const at = async (name: string, detail: string) => {
    if (name === step && detail.includes('/')) began++;
  };
  const running = await runTopology(catching, { ...services, settings, at });
  const reached = (offset: number) => eventually('no lag', async () => (await services.log.committedOf(catching.name, follow.topic))[0]?.offset === offset);
  await reached(total);
  const behind = began;
  await producer.send(follow, [event(total)]);
  await reached(total + 1);
  await running.stop();
  return { services, behind, after: began - behind };
}

test('far behind, history gathers fetches into one insert; at the end of the log each fetch is one', async () => {
  const { services, behind, after } = await stepsOf(history, 'H3');
  expect([behind, after]).toEqual([1, 1]);
  expect((await services.warehouse.query('SELECT * FROM follows')).length).toBe(total + 1);
});

test('what history gathers has an end in bytes too, also where every record is bad', async () => {
  // Some 50 bytes a row, a million in all.
  const good = await stepsOf(history, 'H3', 250_000);
  expect(good.behind).toBeGreaterThan(2);
  expect(good.behind).toBeLessThan(8);
  expect((await good.services.warehouse.query('SELECT * FROM follows')).length).toBe(total + 1);
  const bad = await stepsOf(history, 'H4', 250_000, Buffer.alloc(50, 'no'));
  expect(bad.behind).toBeGreaterThan(2);
  expect(bad.behind).toBeLessThan(8);
  expect((await bad.services.log.offsets(deadLetterTopic))[0]?.high).toBe(total);
});

test('far behind, half of what is left is folded together; near the end of the log each fetch is flushed', async () => {
  const { services, behind, after } = await stepsOf(followOnline, 'O2');
  expect(behind).toBeLessThan(10);
  expect(after).toBe(1);
  const users = Array.from({ length: 50 }, (_, i) => `u${i}`);
  expect((await services.online.sizes(userFollows, users)).reduce((sum, n) => sum + n, 0)).toBe(total + 1);
});
