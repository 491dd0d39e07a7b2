import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AvroRecord, avroOf } from '#schemas/events/avro.ts';
import { fallbacksOf, maxListItems } from '#schemas/events/contract.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { contracts } from '#schemas/events/index.ts';
import { videoUploaded } from '#schemas/events/video-uploaded.ts';
import { compileReader, newRow, type Reader, type Row, readOutcome } from './avro-reader.ts';

/** As it lies in a batch: other bytes before it and behind it, which must not be read. */
function within(read: Reader | null, body: Uint8Array, row: Row): number | undefined {
  const batch = Buffer.concat([Buffer.alloc(7, 2), body, Buffer.alloc(9, 2)]);
  return read?.(batch, 7, 7 + body.length, row);
}

const schema = avroOf(engagement);

describe.each(contracts.map((c) => [c.topic, c] as const))('%s', (_topic, contract) => {
  const type = avro.Type.forSchema(avroOf(contract) as avro.Schema);
  const read = compileReader(contract, avroOf(contract));
  const row = newRow(contract);
  const arbitrary = fc.record(
    Object.fromEntries(
      Object.entries(contract.fields).map(([name, field]): [string, fc.Arbitrary<unknown>] => {
        if (field.type === 'enum') return [name, fc.constantFrom(...field.symbols)];
        if (field.type === 'strings') return [name, fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 5 })];
        if (field.type === 'string') return [name, fc.string({ unit: 'grapheme', maxLength: 40 })];
        if (field.type === 'double') return [name, fc.double()];
        return [name, field.type === 'int' ? fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) : fc.integer({ min: -(2 ** 52), max: 2 ** 52 })];
      }),
    ),
  );

  test('reads what avsc writes', () =>
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(within(read, type.toBuffer(value), row)).toBe(readOutcome.ok);
        for (const [name, expected] of Object.entries(value)) expect(row[name], name).toEqual(expected);
      }),
    ));

  test('bytes that are not a record end in an outcome, never in an exception', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => Object.values(readOutcome).includes(within(read, bytes, row) as never)),
      { numRuns: 2_000 },
    ));

  test('a truncated record is bad', () =>
    fc.assert(
      fc.property(arbitrary, fc.nat(), (value, n) => {
        const whole = type.toBuffer(value);
        expect(within(read, whole.subarray(0, n % whole.length), row)).not.toBe(readOutcome.ok);
      }),
    ));
});

const event = { eventId: 'e', userId: 'u', videoId: 'v', kind: 'watch', occurredAt: 5, watchedMs: 7 };

test('an older writer: fields it lacks take the contract fallback', () => {
  const older: AvroRecord = {
    ...schema,
    fields: schema.fields.filter((f) => ['eventId', 'userId', 'videoId', 'kind', 'occurredAt', 'watchedMs'].includes(f.name)),
  };
  const row = newRow(engagement);
  expect(within(compileReader(engagement, older), avro.Type.forSchema(older as avro.Schema).toBuffer(event), row)).toBe(readOutcome.ok);
  expect([row['watchedMs'], row['playbackRate'], row['position'], row['topic']]).toEqual([7, 1, -1, '']);
});

test('a newer writer: fields that the contract does not know are passed over, whatever their type', () => {
  const extra = [
    { name: 'a', type: ['null', { type: 'map', values: 'long' }] },
    {
      name: 'b',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'R',
          fields: [
            { name: 'x', type: 'bytes' },
            { name: 'y', type: 'boolean' },
          ],
        },
      },
    },
    { name: 'c', type: { type: 'fixed', name: 'F', size: 3 } },
    { name: 'd', type: 'float' },
  ] as const;
  const newer = { ...schema, fields: [extra[0], ...schema.fields, ...extra.slice(1)] } as unknown as AvroRecord;
  const type = avro.Type.forSchema(newer as avro.Schema);
  const row = newRow(engagement);
  const value = { ...type.random(), ...event, a: { k: 1 }, b: [{ x: Buffer.from('hi'), y: true }], c: Buffer.from('abc'), d: 1.5, loops: 3 };
  expect(within(compileReader(engagement, newer), type.toBuffer(value), row)).toBe(readOutcome.ok);
  expect([row['eventId'], row['kind'], row['loops']]).toEqual(['e', 'watch', 3]);
});

test('a writer with another type for a field, or without a required one, cannot be read', () => {
  const retyped = { ...schema, fields: schema.fields.map((f) => (f.name === 'userId' ? { ...f, type: 'int' } : f)) } as AvroRecord;
  expect(compileReader(engagement, retyped)).toBeNull();
  expect(compileReader(engagement, { ...schema, fields: schema.fields.filter((f) => f.name !== 'userId') })).toBeNull();
});

test('an enum symbol that the contract does not know is said to be unknown', () => {
  const newer = {
    ...schema,
    fields: schema.fields.map((f) => (f.name === 'kind' ? { ...f, type: { type: 'enum', name: 'Kind', symbols: ['watch', 'hover'] } } : f)),
  } as AvroRecord;
  const type = avro.Type.forSchema(newer as avro.Schema);
  const bytes = type.toBuffer({
    ...event,
    kind: 'hover',
    durationMs: 0,
    loops: 0,
    playbackRate: 1,
    creatorId: '',
    topic: '',
    region: '',
    requestId: '',
    position: 0,
    arm: '',
    reason: '',
  });
  expect(within(compileReader(engagement, newer), bytes, newRow(engagement))).toBe(readOutcome.unknownSymbol);
});

test('a list is read to its end, and one that no contract means is told', () => {
  const type = avro.Type.forSchema(avroOf(videoUploaded) as avro.Schema);
  const row = newRow(videoUploaded);
  const upload = { eventId: 'e', videoId: 'v', creatorId: 'c', objectKey: 'k', occurredAt: 5 };
  const body = (count: number) => type.toBuffer({ ...fallbacksOf(videoUploaded), ...upload, topics: Array.from({ length: count }, (_, i) => `topic ${i}`) });
  const read = compileReader(videoUploaded, avroOf(videoUploaded));
  expect(within(read, body(maxListItems), row)).toBe(readOutcome.ok);
  expect(row['topics'].at(-1)).toBe(`topic ${maxListItems - 1}`);
  expect(within(read, body(maxListItems + 1), row)).toBe(readOutcome.listTooLong);
  expect(within(read, body(3), row)).toBe(readOutcome.ok);
  expect(row['topics']).toHaveLength(3);
});
