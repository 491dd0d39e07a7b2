import { expect, test } from 'vitest';
import { eventually } from '#infra/testing/test-stack.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { follow } from '#schemas/events/follow.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { follows } from '#schemas/tables/history.ts';
import { makeEngagement } from '../../faults/events.ts';
import { runTopology } from '../runner.ts';
import { ok, reject, step, steps } from '../steps.ts';
import { features, rows, topology } from '../topology.ts';
import { memorySetting } from './setting.ts';

// 1. A topology is a value: a source, steps, a sink. Nothing runs yet.
const followRows = topology('guide-follows', { source: follow, steps: steps(), sink: rows(follows) });

test('2. running it moves events from the log into rows', async () => {
  const { services, producer } = await memorySetting();
  const running = await runTopology(followRows, services);
  await producer.send(follow, [{ eventId: 'e1', userId: 'ann', creatorId: 'bob', kind: 'follow', occurredAt: Date.now() }]);
  await eventually('the row', async () => (await services.warehouse.query('SELECT * FROM follows')).length === 1);
  expect(await services.warehouse.query('SELECT * FROM follows')).toMatchObject([
    { event_id: 'e1', user_id: 'ann', creator_id: 'bob', kind: 'follow', log_offset: 0 },
  ]);
  await running.stop();
});

test('3. the same source with another sink folds features', async () => {
  const { services, producer } = await memorySetting();
  const running = await runTopology(topology('guide-features', { source: engagement, steps: steps(), sink: features([videoView]) }), services);
  const nowMs = Date.now();
  const watch = { ...makeEngagement(0, 'guide', nowMs), kind: 'watch' as const, videoId: 'v', occurredAt: nowMs };
  await producer.send(engagement, [watch, { ...watch, eventId: 'second' }]);
  await eventually(
    'two watches',
    async () => readPackedRow(videoView, (await services.online.values(videoView, ['v']))[0] ?? null, Date.now()).watches_all === 2,
  );
  await running.stop();
});

// 4. A step is pure and small. It accepts, drops (counted) or rejects (dead letter).
const notMyself = step<{ userId: string; creatorId: string }>('notMyself', (e) =>
  e.userId === e.creatorId ? reject('self-follow', `${e.userId} followed itself`) : ok,
);

test('5. what a step rejects becomes a dead letter with its reason, and the stream goes on', async () => {
  const { services, producer } = await memorySetting();
  const running = await runTopology(topology('guide-steps', { source: follow, steps: steps(notMyself), sink: rows(follows) }), services);
  const base = { kind: 'follow' as const, occurredAt: Date.now() };
  await producer.send(follow, [
    { ...base, eventId: 'bad', userId: 'ann', creatorId: 'ann' },
    { ...base, eventId: 'good', userId: 'ann', creatorId: 'bob' },
  ]);
  await eventually('the good row', async () => (await services.warehouse.query('SELECT * FROM follows')).length === 1);
  const [end] = await services.log.offsets('dead-letters');
  expect(end?.high).toBe(1);
  await services.log.read('dead-letters', 0, 0, 1, ([letter]) =>
    expect(letter?.headers).toMatchObject({ reason: 'self-follow', topic: 'follow', offset: '0' }),
  );
  expect(services.telemetry.value('foryou_step_records_total', { topology: 'guide-steps', step: 'notMyself', outcome: 'reject' })).toBe(1);
  await running.stop();
});
