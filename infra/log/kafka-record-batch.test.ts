import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FetchedRecord, readBatch } from './kafka-record-batch.ts';

const require = createRequire(import.meta.url);
const kafkajs = (path: string) => require(`kafkajs/src/protocol/${path}`);
const { RecordBatch } = kafkajs('recordBatch/v0');
const Record = kafkajs('recordBatch/record/v0');
const readRecord = kafkajs('recordBatch/record/v0/decoder');
const Decoder = kafkajs('decoder');
const decodeMessages = kafkajs('requests/fetch/v4/decodeMessages');
const { Types } = kafkajs('message/compression');

interface Written {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: { readonly [name: string]: Buffer | Buffer[] };
}
const bytes = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b));
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 })), {
    maxKeys: 2,
    noNullPrototype: true,
  }),
});
const firstMs = Date.UTC(2026, 0, 1);

const encode = async (records: readonly Written[], firstOffset: number, more: object = {}): Promise<Buffer> =>
  (
    await RecordBatch({
      firstOffset,
      firstTimestamp: firstMs,
      maxTimestamp: firstMs + 5_000,
      lastOffsetDelta: records.length - 1,
      records: records.map((r, i) => Record({ ...r, offsetDelta: i, timestampDelta: i * 1_000_003 })),
      ...more,
    })
  ).buffer;

test('records of a batch are read as kafkajs reads them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), fc.nat(2 ** 31), async (written, firstOffset) => {
      const buffer = await encode(written, firstOffset);
      const decoder = { buffer, offset: 0 };
      const read = readBatch(decoder) ?? [];
      expect(decoder.offset).toBe(buffer.length);
      const theirs = new Decoder(buffer.subarray(61));
      const context = { firstOffset: String(firstOffset), firstTimestamp: String(firstMs), maxTimestamp: String(firstMs + 5_000), timestampType: 0 };
      for (const mine of read) {
        const { offset, timestamp, key, value, headers } = readRecord(new Decoder(theirs.readVarIntBytes()), context);
        expect({ offset: mine.offset, timestamp: mine.appendedAtMs, key: mine.key, value: mine.value, headers: mine.headers ?? {} }).toEqual({
          offset: Number(offset),
          timestamp: Number(timestamp),
          key,
          value,
          headers,
        });
      }
      expect(read.length).toBe(written.length);
    }),
  );
});

test('a fetch is read by it; compressed batches, those of transactions and a batch that was cut off are left to kafkajs', async () => {
  const written = [{ key: Buffer.from('k'), value: Buffer.from('v'), headers: {} }];
  const batches = await Promise.all([
    encode(written, 1),
    encode(written, 2, { compression: Types.GZIP }),
    encode(written, 3, { transactional: true }),
    encode(written, 4),
  ]);
  const all = Buffer.concat(batches);
  const cut = all.subarray(0, all.length - 1);
  const fetched = await decodeMessages(new Decoder(Buffer.concat([Buffer.from(new Uint32Array([cut.length]).buffer).swap32(), cut])));
  expect(fetched.map((m: { offset: unknown }) => [m instanceof FetchedRecord, Number(m.offset)])).toEqual([
    [true, 1],
    [false, 2],
    [false, 3],
  ]);
});
