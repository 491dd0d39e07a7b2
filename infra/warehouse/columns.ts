import { Interner } from '../bytes/interner.ts';

/** A column of a block: its values as ClickHouse's Native format has them, in memory that the next block uses again. */
export interface Column {
  readonly name: string;
  readonly sql: string;
  /** How long its values are. */
  readonly bytes: number;
  clear(): void;
  /** What follows its name and type in a Native block; valid until the next `add` or `clear`. */
  native(): Buffer[];
  values(): unknown[];
}

const leastRows = 64;
/** A burst must not keep its memory for ever. */
const keptBytes = 1 << 23;

/** The column class of a SQL type. Throws on one that no history table has. */
export function columnOf(name: string, sql: string): Column {
  if (sql === 'String') return new Texts(name, sql);
  if (sql === 'LowCardinality(String)') return new Words(name, sql);
  if (sql === 'Array(String)') return new Lists(name, sql);
  if (sql === 'UInt64' || sql === 'Int64' || sql.startsWith('DateTime64(')) return new Longs(name, sql);
  if (sql in numberTypes) return new Numbers(name, sql as keyof typeof numberTypes);
  throw new TypeError(`no column for ${sql} (${name})`);
}

/** Strings, each with its length in front. */
class ByteStrings {
  #bytes = Buffer.allocUnsafe(leastRows * 16);
  #at = 0;

  add(from: Uint8Array, at: number, length: number): void {
    if (this.#at + length + 5 > this.#bytes.length) this.#grow(length + 5);
    const bytes = this.#bytes;
    let p = this.#at;
    let n = length;
    for (; n > 127; n >>>= 7) bytes[p++] = (n & 127) | 128;
    bytes[p++] = n;
    // Ids are short: a call of a copy costs more than the bytes.
    for (let i = at; i < at + length; i++) bytes[p++] = from[i] as number;
    this.#at = p;
  }

  #grow(more: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + more));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  get bytes(): number {
    return this.#at;
  }

  clear(): void {
    this.#at = 0;
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafe(leastRows * 16);
  }

  native(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  values(): string[] {
    const found: string[] = [];
    for (let p = 0; p < this.#at; ) {
      let n = 0;
      let shift = 0;
      for (; (this.#bytes[p] as number) > 127; shift += 7) n |= ((this.#bytes[p++] as number) & 127) << shift;
      n |= (this.#bytes[p++] as number) << shift;
      found.push(this.#bytes.toString('utf8', p, p + n));
      p += n;
    }
    return found;
  }
}

export class Texts implements Column {
  readonly name: string;
  readonly sql: string;
  readonly #strings = new ByteStrings();

  constructor(name: string, sql: string) {
    this.name = name;
    this.sql = sql;
  }

  add(from: Uint8Array, at: number, length: number): void {
    this.#strings.add(from, at, length);
  }

  get bytes(): number {
    return this.#strings.bytes;
  }
  clear(): void {
    this.#strings.clear();
  }
  native(): Buffer[] {
    return [this.#strings.native()];
  }
  values(): string[] {
    return this.#strings.values();
  }
}

const numberTypes = { UInt16: Uint16Array, Int32: Int32Array, UInt32: Uint32Array, Float64: Float64Array } as const;
type NumberArray = InstanceType<(typeof numberTypes)[keyof typeof numberTypes]>;

const bytesOf = (array: Uint8Array | NumberArray): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

export class Numbers implements Column {
  readonly name: string;
  readonly sql: keyof typeof numberTypes;
  #values: NumberArray;
  #rows = 0;

  constructor(name: string, sql: keyof typeof numberTypes) {
    this.name = name;
    this.sql = sql;
    this.#values = new numberTypes[sql](leastRows);
  }

  add(value: number): void {
    if (this.#rows === this.#values.length) this.#grow();
    this.#values[this.#rows++] = value;
  }

  get array(): NumberArray {
    return this.#values.subarray(0, this.#rows);
  }

  #grow(): void {
    const grown = new numberTypes[this.sql](this.#values.length * 2);
    grown.set(this.#values);
    this.#values = grown;
  }

  get bytes(): number {
    return this.#rows * this.#values.BYTES_PER_ELEMENT;
  }
  clear(): void {
    this.#rows = 0;
    if (this.#values.byteLength > keptBytes) this.#values = new numberTypes[this.sql](leastRows);
  }
  native(): Buffer[] {
    return [bytesOf(this.array)];
  }
  values(): number[] {
    return [...this.array];
  }
}

/** Whole numbers of 64 bits, from -2^53 to 2^53. */
export class Longs implements Column {
  readonly name: string;
  readonly sql: string;
  readonly #halves = new Numbers('', 'UInt32');

  constructor(name: string, sql: string) {
    this.name = name;
    this.sql = sql;
  }

  add(value: number): void {
    this.#halves.add(value);
    this.#halves.add(Math.floor(value / 2 ** 32));
  }

  get bytes(): number {
    return this.#halves.bytes;
  }
  clear(): void {
    this.#halves.clear();
  }
  native(): Buffer[] {
    return this.#halves.native();
  }
  values(): number[] {
    const halves = this.#halves.values();
    return Array.from({ length: halves.length / 2 }, (_, i) => ((halves[2 * i + 1] as number) | 0) * 2 ** 32 + (halves[2 * i] as number));
  }
}

// Serialisation of LowCardinality (ClickHouse, SerializationLowCardinality): version of the keys, then what a part of rows has.
const keysVersion = 1n;
const hasOwnKeys = 1n << 9n;

/** Few distinct strings: each is sent once, and each row says which. */
export class Words implements Column {
  readonly name: string;
  readonly sql: string;
  readonly #interner = new Interner(1);
  readonly #idOf = new Map<string, number>();
  readonly #ids = new Numbers('', 'UInt32');

  constructor(name: string, sql: string) {
    this.name = name;
    this.sql = sql;
  }

  add(from: Uint8Array, at: number, length: number): void {
    this.#ids.add(this.#interner.id(from, at, length));
  }

  /** One of a set of words that is fixed, such as an enum's symbols. */
  addWord(word: string): void {
    let id = this.#idOf.get(word);
    if (id === undefined) {
      id = this.#interner.idOfString(word);
      this.#idOf.set(word, id);
    }
    this.#ids.add(id);
  }

  get bytes(): number {
    return this.#ids.bytes + this.#interner.start(this.#interner.count);
  }
  clear(): void {
    this.#interner.clear();
    this.#idOf.clear();
    this.#ids.clear();
  }

  native(): Buffer[] {
    const { count, bytes } = this.#interner;
    const keys = new ByteStrings();
    for (let id = 0; id < count; id++) keys.add(bytes, this.#interner.start(id), this.#interner.start(id + 1) - this.#interner.start(id));
    const ids = this.#ids.array;
    const width = count <= 256 ? 0 : count <= 65_536 ? 1 : 2;
    const indexes = width === 0 ? new Uint8Array(ids) : width === 1 ? new Uint16Array(ids) : ids;
    return [longs(keysVersion, BigInt(width) | hasOwnKeys, BigInt(count)), keys.native(), longs(BigInt(ids.length)), bytesOf(indexes)];
  }

  values(): string[] {
    return this.#ids.values().map((id) => this.#interner.bytes.toString('utf8', this.#interner.start(id), this.#interner.start(id + 1)));
  }
}

function longs(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(value, i * 8);
  return bytes;
}

/** Lists of strings: where each row's list ends, then all strings. */
export class Lists implements Column {
  readonly name: string;
  readonly sql: string;
  readonly #ends = new Longs('', 'UInt64');
  readonly #members = new ByteStrings();
  #count = 0;

  constructor(name: string, sql: string) {
    this.name = name;
    this.sql = sql;
  }

  add(members: readonly string[]): void {
    for (const member of members) {
      const bytes = Buffer.from(member);
      this.#members.add(bytes, 0, bytes.length);
    }
    this.#count += members.length;
    this.#ends.add(this.#count);
  }

  get bytes(): number {
    return this.#ends.bytes + this.#members.bytes;
  }
  clear(): void {
    this.#ends.clear();
    this.#members.clear();
    this.#count = 0;
  }
  native(): Buffer[] {
    return [...this.#ends.native(), this.#members.native()];
  }
  values(): string[][] {
    const members = this.#members.values();
    const ends = this.#ends.values();
    return ends.map((end, i) => members.slice(ends[i - 1] ?? 0, end));
  }
}
