import type { AvroField, AvroRecord } from '#schemas/events/avro.ts';

const magic = Buffer.from([0x4f, 0x62, 0x6a, 0x01]); // "Obj" 1
const sync = Buffer.from('foryou-avro-sync', 'latin1');

/**
 * An Avro object container file made of the producers' own record bodies: nothing is decoded or
 * encoded again. In front of each body stand the origin columns, which Avro's record encoding
 * allows: a record is nothing but its fields one after another.
 */
export class AvroFile {
  #buffer = Buffer.allocUnsafe(1 << 16);
  #at = 0;
  #count = 0;

  get empty(): boolean {
    return this.#count === 0;
  }

  append(partition: number, offset: number, appendedAtMs: number, bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (this.#at + length + 32 > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + length + 32));
      this.#buffer.copy(grown, 0, 0, this.#at);
      this.#buffer = grown;
    }
    this.#at = writeLong(this.#buffer, this.#at, partition);
    this.#at = writeLong(this.#buffer, this.#at, offset);
    this.#at = writeLong(this.#buffer, this.#at, appendedAtMs);
    this.#at += bytes.copy(this.#buffer, this.#at, from, to);
    this.#count++;
  }

  clear(): void {
    // A burst must not keep its memory for ever.
    if (this.#buffer.length > 1 << 26) this.#buffer = Buffer.allocUnsafe(1 << 16);
    this.#at = 0;
    this.#count = 0;
  }

  /** The whole file; `schema` describes the origin columns and the writer's fields. */
  finish(schema: Omit<AvroRecord, 'fields'> & { readonly fields: readonly AvroField[] }): Buffer {
    const head = Buffer.alloc(20);
    let at = writeLong(head, 0, this.#count);
    at = writeLong(head, at, this.#at);
    return Buffer.concat([fileHeader(JSON.stringify(schema)), head.subarray(0, at), this.#buffer.subarray(0, this.#at), sync]);
  }
}

function fileHeader(schema: string): Buffer {
  const entry = (key: string, value: string) => [long(Buffer.byteLength(key)), Buffer.from(key), long(Buffer.byteLength(value)), Buffer.from(value)];
  return Buffer.concat([magic, long(2), ...entry('avro.schema', schema), ...entry('avro.codec', 'null'), long(0), sync]);
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  return bytes.subarray(0, writeLong(bytes, 0, value));
}

/** Zigzag varint of a number that is not negative, up to 2^52. Returns the position after it. */
function writeLong(buffer: Buffer, at: number, value: number): number {
  let n = value * 2;
  let p = at;
  while (n > 127) {
    buffer[p++] = (n % 128) | 128;
    n = Math.floor(n / 128);
  }
  buffer[p++] = n;
  return p;
}
