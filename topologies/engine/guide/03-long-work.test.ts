import { expect, test } from 'vitest';
import { eventually } from '#infra/testing/test-stack.ts';
import { type Follow, follow } from '#schemas/events/follow.ts';
import { dedupe } from '../../steps/dedupe.ts';
import { runTopology } from '../runner.ts';
import { steps } from '../steps.ts';
import { topology, work } from '../topology.ts';
import { memorySetting } from './setting.ts';

const event = (i: number) => ({ eventId: `e${i}`, userId: 'ann', creatorId: `c${i}`, kind: 'follow' as const, occurredAt: Date.now() });
const longWork = (run: (event: Follow, signal: AbortSignal) => Promise<void>, concurrency = 1) =>
  topology('guide-long-work', { source: follow, steps: steps(dedupe), sink: work<Follow>({ concurrency, owner: (e) => e.creatorId, cost: () => 1, run }) });

test('1. records end in any order; the commit waits for the first that has not', async () => {
  const { services, producer } = await memorySetting();
  const committed = async () => (await services.log.committedOf('guide-long-work', 'follow'))[0]?.offset ?? null;
  const ended: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await producer.send(follow, [1, 2, 3].map(event));
  const run = async ({ eventId }: Follow) => {
    if (eventId === 'e2') await held;
    ended.push(eventId);
  };
  const running = await runTopology(longWork(run, 2), services);
  await eventually('the others ended', async () => ended.length === 2);
  await eventually('the first is committed', async () => (await committed()) === 1);
  release();
  await eventually('all are', async () => (await committed()) === 3);
  await running.stop();

  // After a restart nothing is done again.
  const again = await runTopology(longWork(run), services);
  await producer.send(follow, [event(4)]);
  await eventually('the new one', async () => (await committed()) === 4);
  expect(ended.sort()).toEqual(['e1', 'e2', 'e3', 'e4']);
  await again.stop();
});

test('2. what cannot go on is tried again and again, and holds up nobody', async () => {
  const { services, producer } = await memorySetting();
  const ended: string[] = [];
  let failures = 0;
  await producer.send(follow, [1, 2, 3].map(event));
  const running = await runTopology(
    longWork(async ({ eventId }) => {
      if (eventId === 'e1' && failures < 2 && ++failures) throw new TypeError('not yet');
      ended.push(eventId);
    }),
    services,
  );
  await eventually('all ended', async () => ended.length === 3);
  expect(ended).toEqual(['e2', 'e3', 'e1']);
  await running.stop();
});

test('3. stopping ends the work at once; the next process takes it again', async () => {
  const { services, producer } = await memorySetting();
  await producer.send(follow, [event(1)]);
  let begun = 0;
  let told = 0;
  const endless = longWork(
    (_event, signal) =>
      new Promise((_resolve, reject) => {
        begun++;
        signal.addEventListener('abort', () => {
          told++;
          reject(signal.reason);
        });
      }),
  );
  const running = await runTopology(endless, services);
  await eventually('it works', async () => begun === 1);
  await running.stop();
  expect(told).toBe(1);
  const next = await runTopology(endless, services);
  await eventually('it works again', async () => begun === 2);
  await next.stop();
});
