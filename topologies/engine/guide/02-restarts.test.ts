import { expect, test } from 'vitest';
import { ForyouError } from '#infra/errors.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { follow } from '#schemas/events/follow.ts';
import { userFollows } from '#schemas/features/views/social.ts';
import { follows } from '#schemas/tables/history.ts';
import { followOnline } from '../../social.ts';
import { dedupe } from '../../steps/dedupe.ts';
import { runTopology } from '../runner.ts';
import type { ProtocolStep, Services } from '../services.ts';
import { steps } from '../steps.ts';
import { rows, type Topology, topology } from '../topology.ts';
import { memorySetting } from './setting.ts';

const counted = topology('guide-counted', { source: follow, steps: steps(dedupe), sink: rows(follows) });
const event = (i: number) => ({ eventId: `e${i}`, userId: 'ann', creatorId: `c${i}`, kind: 'follow' as const, occurredAt: Date.now() });

async function dieAt(deadly: ProtocolStep, dies: Topology, services: Services): Promise<void> {
  const dying = await runTopology(dies, {
    ...services,
    at: async (step) => {
      if (step === deadly) throw new Error(`died at ${step}`);
    },
  });
  await expect(dying.failed).rejects.toThrow(`died at ${deadly}`);
  await dying.stop();
}

test.each(['H1', 'H2', 'H3', 'H4', 'H5'] satisfies ProtocolStep[])(
  '1. a topology that dies as %s begins goes on where it was, and counts nothing twice',
  async (deadly) => {
    const { services, producer } = await memorySetting();
    await producer.send(follow, [1, 2, 3, 2].map(event));
    await dieAt(deadly, counted, services);
    // More arrived meanwhile, a repeat among it: the dedupe window is read back from the log.
    await producer.send(follow, [4, 1].map(event));
    const running = await runTopology(counted, services);
    await eventually('all four', async () => (await services.warehouse.query('SELECT * FROM follows')).length >= 4);
    await eventually('no lag', async () => (await services.log.committedOf('guide-counted', 'follow'))[0]?.offset === 6);
    const ids = (await services.warehouse.query<{ event_id: string }>('SELECT * FROM follows')).map((r) => r.event_id);
    expect(ids.sort()).toEqual(['e1', 'e2', 'e3', 'e4']);
    await running.stop();
  },
);

test.each(['O1', 'O2', 'O3', 'O4', 'O5'] satisfies ProtocolStep[])(
  '2. the same into the online store as %s begins, when nothing more arrives: the commit shows where it stands',
  async (deadly) => {
    const { services, producer } = await memorySetting();
    await producer.send(follow, [1, 2, 3, 2].map(event));
    await dieAt(deadly, followOnline, services);
    const running = await runTopology(followOnline, services);
    await eventually('no lag', async () => (await services.log.committedOf(followOnline.name, 'follow'))[0]?.offset === 4);
    const [followed] = await services.online.top([{ view: userFollows, entity: 'ann', limit: 10 }]);
    expect(followed?.keys.toSorted()).toEqual(['c1', 'c2', 'c3']);
    await running.stop();
  },
);

test('3. a repeat that comes after a restart is still a repeat: the window is read back from the log', async () => {
  const { services, producer } = await memorySetting();
  const stored = async () => (await services.warehouse.query('SELECT * FROM follows')).length;
  await producer.send(follow, [1, 2].map(event));
  const before = await runTopology(counted, services);
  await eventually('the commit', async () => (await services.log.committedOf('guide-counted', 'follow'))[0]?.offset === 2);
  await before.stop();
  await producer.send(follow, [2, 1, 3].map(event));
  const after = await runTopology(counted, services);
  await eventually('the commit', async () => (await services.log.committedOf('guide-counted', 'follow'))[0]?.offset === 5);
  expect(await stored()).toBe(3);
  await after.stop();
});

test('4. an outage is waited out: the batch is tried again until the store answers', async () => {
  const { services, producer } = await memorySetting();
  let failures = 3;
  const insertBlock = services.warehouse.insertBlock.bind(services.warehouse);
  services.warehouse.insertBlock = async (...args) => {
    if (failures-- > 0) throw new ForyouError('unavailable', 'away');
    return insertBlock(...args);
  };
  const running = await runTopology(counted, services);
  await producer.send(follow, [event(1)]);
  await eventually('the row', async () => (await services.warehouse.query('SELECT * FROM follows')).length === 1);
  expect(services.telemetry.value('foryou_retries_total', { topology: 'guide-counted', what: 'flush' })).toBe(3);
  await running.stop();
});

test('5. a bug is not retried: the topology fails, and its process ends', async () => {
  const { services, producer } = await memorySetting();
  services.warehouse.insertBlock = async () => {
    throw new TypeError('a bug');
  };
  const running = await runTopology(counted, services);
  await producer.send(follow, [event(1)]);
  await expect(running.failed).rejects.toThrow('a bug');
  await running.stop();
});
