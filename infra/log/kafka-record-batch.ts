import { createRequire } from 'node:module';
import type { LogRecord } from './log.ts';

/**
 * kafkajs 2.2.4 makes a decoder, three buffers, two strings and two big integers for each record. A record batch
 * (Kafka protocol, record batch format v2) that is neither compressed nor part of a
 * transaction is read here instead, into records as topologies take them; all others are left to kafkajs.
 * This module must be loaded before it.
 */

/** The part of kafkajs's decoder that is used here. */
interface FetchDecoder {
  readonly buffer: Buffer;
  offset: number;
}
type Headers = NonNullable<LogRecord['headers']>;

interface Place {
  offset: number;
  timeMs: number;
  keyAt: number;
  keyLength: number;
  from: number;
  to: number;
}

/** One record of a batch. Its key and its value are cut out of the batch when somebody asks for them. */
export class FetchedRecord implements LogRecord {
  readonly offset: number;
  readonly appendedAtMs: number;
  readonly headers?: Headers;
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly #keyAt: number;
  readonly #keyLength: number;

  constructor(batch: Buffer, at: Place, headers: Headers | undefined) {
    this.offset = at.offset;
    this.appendedAtMs = at.timeMs;
    if (headers) this.headers = headers;
    this.bytes = batch;
    this.from = at.from;
    this.to = at.to;
    this.#keyAt = at.keyAt;
    this.#keyLength = at.keyLength;
  }

  get key(): Buffer | null {
    return this.#keyLength < 0 ? null : this.bytes.subarray(this.#keyAt, this.#keyAt + this.#keyLength);
  }

  get value(): Buffer | null {
    return this.from < 0 ? null : this.bytes.subarray(this.from, this.to);
  }
}

/** Compressed, part of a transaction, or written by its coordinator. */
const forKafkajs = 0x7 | 0x10 | 0x20;
const logAppendTime = 0x8;
/** Bytes of a batch before its records: base offset 8, length 4, leader epoch 4, magic 1, CRC 4, attributes 2, last delta 4, times 8 + 8, producer 8 + 2 + 4, count 4. */
const head = 61;

/** The records of the batch that begins at the decoder's place, which moves behind it; null for one that kafkajs must read. */
export function readBatch(decoder: FetchDecoder): FetchedRecord[] | null {
  const { buffer, offset: from } = decoder;
  const end = from + 12 + buffer.readInt32BE(from + 8);
  const attributes = buffer.readInt16BE(from + 21);
  if (end > buffer.length || (attributes & forKafkajs) !== 0) return null;
  const reader = new Reader(buffer, from + head);
  const firstOffset = Number(buffer.readBigInt64BE(from));
  const firstMs = Number(buffer.readBigInt64BE(from + 27));
  const lastMs = Number(buffer.readBigInt64BE(from + 35));
  const at: Place = { offset: 0, timeMs: lastMs, keyAt: 0, keyLength: 0, from: -1, to: -1 };
  const records = new Array<FetchedRecord>(buffer.readInt32BE(from + head - 4));
  for (let i = 0; i < records.length; i++) {
    reader.number(); // length
    reader.at++; // attributes
    const timeDelta = reader.number();
    if ((attributes & logAppendTime) === 0) at.timeMs = firstMs + timeDelta;
    at.offset = firstOffset + reader.number();
    at.keyLength = reader.number();
    at.keyAt = reader.at;
    reader.at += Math.max(0, at.keyLength);
    const length = reader.number();
    at.from = length < 0 ? -1 : reader.at;
    at.to = length < 0 ? -1 : reader.at + length;
    reader.at += Math.max(0, length);
    records[i] = new FetchedRecord(buffer, at, reader.headers());
  }
  decoder.offset = end;
  return records;
}

class Reader {
  at: number;
  readonly #buffer: Buffer;

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer;
    this.at = at;
  }

  /** Zigzag varint; beyond 28 bits by multiplication, since bit operations are 32 bits wide. */
  number(): number {
    const buffer = this.#buffer;
    let byte = buffer[this.at++] as number;
    let n = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = buffer[this.at++] as number;
      n = shift < 28 ? n | ((byte & 127) << shift) : n + (byte & 127) * 2 ** shift;
    }
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.number();
    if (length < 0) return null;
    const from = this.at;
    this.at += length;
    return this.#buffer.subarray(from, this.at);
  }

  headers(): Headers | undefined {
    const count = this.number();
    if (count <= 0) return undefined;
    const headers: Record<string, Buffer | string | (Buffer | string)[] | undefined> = {};
    for (let i = 0; i < count; i++) {
      const name = String(this.bytes());
      const value = this.bytes() ?? undefined;
      const before = headers[name];
      headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value ?? ''];
    }
    return headers as Headers;
  }
}

const require = createRequire(import.meta.url);
const path = require.resolve('kafkajs/src/protocol/recordBatch/v0/decoder');
const original = require(path) as (decoder: FetchDecoder) => Promise<{ records: readonly unknown[] }>;
const loaded = require.cache[path];
if (!loaded) throw new TypeError('kafkajs keeps its record decoder elsewhere');
loaded.exports = async (decoder: FetchDecoder) => {
  const records = readBatch(decoder);
  return records ? { records } : original(decoder);
};
