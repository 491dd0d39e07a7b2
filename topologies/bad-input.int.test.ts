import avro from 'avsc';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { listDeadLetters, replayDeadLetters } from '#infra/dead-letters.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { type AvroRecord, avroOf } from '#schemas/events/avro.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { badEngagements, makeEngagement } from './faults/events.ts';
import { runTopologies } from './main.ts';

const config = sharedConfig(inject('stackEnvironment'));
const adapters = connect(config, 'bad-input');
const run = crypto.randomUUID().slice(0, 8);
const nowMs = Date.now();
let running: Awaited<ReturnType<typeof runTopologies>>;

beforeAll(async () => {
  running = await runTopologies(config, 'engagement');
});
afterAll(async () => {
  await running?.stop();
  await disconnect(adapters);
});

const frame = (id: number, body: Buffer): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(id, 1);
  return Buffer.concat([prefix, body]);
};
const good = (i: number) => ({ ...makeEngagement(i, run, nowMs), eventId: `${run}-good-${i}`, kind: 'watch' as const, videoId: `${run}-video` });

test('each kind of bad record ends as a dead letter with its reason, and the good ones around it are stored', async () => {
  const producer = new EventProducer(adapters);
  const schema = avroOf(engagement);
  const id = await adapters.registry.register(engagement.topic, schema);
  const raw = (value: Buffer | null) => adapters.log.append(engagement.topic, [{ key: 'somebody', value }]);

  const foreign = await adapters.registry.register(`foreign-${run}`, { type: 'record', name: 'Foreign', fields: [{ name: 'userId', type: 'int' }] });
  await producer.send(engagement, [good(1)]);
  await raw(Buffer.from('not avro at all'));
  await raw(null);
  await raw(frame(id, Buffer.from([1, 2, 3])));
  await raw(frame(99_999_999, Buffer.from('x')));
  await raw(frame(foreign, Buffer.from([2])));
  const bad = badEngagements(run, nowMs);
  await producer.send(
    engagement,
    bad.map((b) => b.event),
  );
  await producer.send(engagement, [good(2), good(1)]);

  // An older writer, without the fields that came later, and a newer one, with a field that nobody here knows.
  const older: AvroRecord = { ...schema, fields: schema.fields.slice(0, 7) };
  const newer: AvroRecord = { ...schema, fields: [...schema.fields, { name: 'mood', type: ['null', 'string'], default: null }] };
  const olderId = await adapters.registry.register(`older-${run}`, older);
  const newerId = await adapters.registry.register(`newer-${run}`, newer);
  await raw(frame(olderId, avro.Type.forSchema(older as avro.Schema).toBuffer(good(3))));
  await raw(frame(newerId, avro.Type.forSchema(newer as avro.Schema).toBuffer({ ...good(4), mood: 'fine' })));

  const mine = async () => (await listDeadLetters(adapters.log)).map((l) => l.reason).sort();
  const expected = [...bad.map((b) => b.reason), 'bad-bytes', 'bad-bytes', 'null-value', 'schema-mismatch', 'unknown-schema'].sort();
  await eventually('every bad record is a dead letter', async () => (await mine()).length >= expected.length);
  expect(await mine()).toEqual(expected);

  const stored = () =>
    adapters.warehouse.query<{ event_id: string; playback_rate: number }>(
      `SELECT event_id, playback_rate FROM engagements WHERE video_id = '${run}-video' ORDER BY event_id`,
    );
  await eventually('the good ones are in history', async () => (await stored()).length === 4);
  // The older writer's record took the contract's fallback for what it lacks.
  expect(await stored()).toEqual([1, 2, 3, 4].map((i) => ({ event_id: `${run}-good-${i}`, playback_rate: 1 })));
  await eventually(
    'and online, once each',
    async () => readPackedRow(videoView, (await adapters.online.values(videoView, [`${run}-video`]))[0] ?? null, Date.now()).watches_all === 4,
  );
});

test('a replayed dead letter that is still bad comes back under its new origin', async () => {
  const before = (await listDeadLetters(adapters.log)).length;
  expect(await replayDeadLetters(adapters.log, 'watch-out-of-range')).toBe(1);
  await eventually('it comes back under its new origin', async () => (await listDeadLetters(adapters.log)).length === before + 1);
});
