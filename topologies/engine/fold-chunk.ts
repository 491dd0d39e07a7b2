import { Interner } from '#infra/bytes/interner.ts';
import { wider } from '#infra/bytes/wider.ts';
import type { EventContract } from '#schemas/events/contract.ts';
import type { AnyView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import { PairTable } from './pair-table.ts';

/** Which records still count for which slots (`slotOf`) of the store. */
export interface Admission {
  /** Whether everything from this offset on counts for all. */
  everything(offset: number): boolean;
  admits(slot: number, offset: number): boolean;
}
export const admitAll: Admission = { everything: () => true, admits: () => true };

/** Where a view's part of a delta goes: its place in the catalog, and the beginning of its keys by slot. */
export interface Target {
  readonly index: number;
  readonly prefixes: readonly Uint8Array[];
}

/** Records that are folded together: what each column of them says is worked out before any view looks, and stays near the processor meanwhile. */
export const chunkRecords = 512;

const nameOf = (of: AnyView['entity']): string => (typeof of === 'object' ? `all:${of.all}` : of);

/** One field of a chunk that names who or what: its strings as ids, an occurrence each. */
export class Field {
  readonly name: string;
  /** Whether all records have one and the same string. */
  readonly single: boolean;
  readonly interner: Interner;
  /** Occurrences so far. */
  count = 0;
  /** Of an occurrence: its id and the record that it is of. */
  ids = new Int32Array(chunkRecords);
  records = new Int32Array(chunkRecords);
  /** Of a record: its first id, -1 when it has none. */
  readonly first = new Int32Array(chunkRecords);
  readonly #read: (row: Row, record: number) => void;

  constructor(contract: EventContract, of: AnyView['entity'], shards: number) {
    this.interner = new Interner(shards);
    this.name = nameOf(of);
    this.single = typeof of === 'object';
    if (typeof of === 'object') {
      // One string for all records: it has the first id.
      this.#read = (_row, record) => this.#add(record, this.interner.count > 0 ? 0 : this.interner.idOfString(of.all));
    } else {
      this.#read = contract.fields[of]?.type === 'strings' ? this.#reader(of) : this.#textReader(`$${of}`, `$$${of}`);
    }
  }

  #textReader(at: string, length: string) {
    return (row: Row, record: number) => {
      const bytes = row[length] as number;
      if (bytes > 0) this.#add(record, this.interner.id(row.buffer, row[at], bytes));
    };
  }

  #reader(name: string) {
    return (row: Row, record: number) => {
      for (const member of row[name] as string[]) if (member !== '') this.#add(record, this.interner.idOfString(member));
    };
  }

  #add(record: number, id: number): void {
    const at = this.count++;
    if (at === this.ids.length) {
      this.ids = wider(this.ids, Int32Array, at + 1, 0);
      this.records = wider(this.records, Int32Array, at + 1, 0);
    }
    this.ids[at] = id;
    this.records[at] = record;
    if (this.first[record] === -1) this.first[record] = id;
  }

  read(row: Row, record: number): void {
    this.first[record] = -1;
    this.#read(row, record);
  }
}

/** Where pairs seldom come twice each occurrence has a number of its own: a table of them all costs more than it saves. */
class Occurrences {
  #count = 0;
  number(): number {
    return this.#count++;
  }
  clear(): void {
    this.#count = 0;
  }
}

/** The pair of what all records share and a key is as good as the key. */
const aloneWithKey = { number: (_entity: number, key: number) => key, clear: () => {} };

/** Numbers of the pairs of a chunk's entities and keys, looked up once however many views ask. */
export class Pairs {
  readonly #entity: Field;
  readonly #key: Field;
  readonly #table: Pick<PairTable, 'number' | 'clear'>;
  /** By occurrence of the entity; -1 until somebody asks. */
  #numbers = new Int32Array(chunkRecords).fill(-1);

  constructor(entity: Field, key: Field, rare: boolean) {
    this.#entity = entity;
    this.#key = key;
    this.#table = rare ? new Occurrences() : entity.single ? aloneWithKey : new PairTable();
  }

  /** The next chunk begins. */
  forget(): void {
    if (this.#numbers.length < this.#entity.ids.length) this.#numbers = new Int32Array(this.#entity.ids.length);
    this.#numbers.fill(-1);
  }

  number(occurrence: number): number {
    const known = this.#numbers[occurrence] as number;
    if (known >= 0) return known;
    const key = this.#key.first[this.#entity.records[occurrence] as number] as number;
    const number = this.#table.number(this.#entity.ids[occurrence] as number, key);
    this.#numbers[occurrence] = number;
    return number;
  }

  clear(): void {
    this.#table.clear();
  }
}

type SignalOf = (row: Row) => number | boolean | null;

/** Every signal that views ask of an event, a column each: worked out once for a record however many views ask. */
export class Signals {
  readonly #signals: SignalOf[] = [];
  /** NaN where a signal says nothing. */
  readonly columns: Float64Array[] = [];

  index(signal: (event: never) => number | boolean | null): number {
    const known = this.#signals.indexOf(signal as SignalOf);
    if (known >= 0) return known;
    this.columns.push(new Float64Array(chunkRecords));
    return this.#signals.push(signal as SignalOf) - 1;
  }

  read(row: Row, record: number): void {
    for (let i = 0; i < this.#signals.length; i++) {
      const value = (this.#signals[i] as SignalOf)(row);
      (this.columns[i] as Float64Array)[record] = value === null ? Number.NaN : +value;
    }
  }
}

/** So far ahead of the epoch may an event time lie, in the shortest half-lives, before sums are expressed anew: 2^500 is far from overflow. */
const maxHalfLives = 500;

/** Event times of a chunk, and what each weighs at the fold's epoch, a column for each half-life. */
export class Weights {
  readonly #halfLives: number[] = [];
  #shortest = Infinity;
  readonly times = new Float64Array(chunkRecords);
  readonly columns: Float64Array[] = [];
  /** The moment that sums are expressed at, so that a contribution is one multiplication; NaN before the first record. */
  epochMs = Number.NaN;

  index(halfLifeMs: number): number {
    const known = this.#halfLives.indexOf(halfLifeMs);
    if (known >= 0) return known;
    this.#shortest = Math.min(this.#shortest, halfLifeMs);
    this.columns.push(new Float64Array(chunkRecords).fill(1));
    return this.#halfLives.push(halfLifeMs) - 1;
  }

  /** Whether an event of this time needs another epoch than the chunk has. */
  beyond(timeMs: number): boolean {
    return !(timeMs - this.epochMs <= maxHalfLives * this.#shortest);
  }

  read(timeMs: number, record: number): void {
    this.times[record] = timeMs;
    const age = timeMs - this.epochMs;
    for (let h = 0; h < this.columns.length; h++) {
      const halfLifeMs = this.#halfLives[h] as number;
      if (halfLifeMs !== Infinity) (this.columns[h] as Float64Array)[record] = 2 ** (age / halfLifeMs);
    }
  }
}

/** The columns of the records that are folded together. */
export class Chunk {
  readonly signals = new Signals();
  readonly weights = new Weights();
  readonly #offsets = new Float64Array(chunkRecords);
  readonly #admissions: Admission[] = new Array(chunkRecords).fill(admitAll);
  /** Whether all records count for all slots. */
  #everything = true;
  count = 0;
  readonly #contract: EventContract;
  readonly #shards: number;
  readonly #fields = new Map<string, Field>();
  readonly #pairs = new Map<string, Pairs>();

  constructor(contract: EventContract, shards: number) {
    this.#contract = contract;
    this.#shards = shards;
  }

  field(of: AnyView['entity']): Field {
    const known = this.#fields.get(nameOf(of)) ?? new Field(this.#contract, of, this.#shards);
    this.#fields.set(known.name, known);
    return known;
  }

  pairs(entity: Field, key: Field, rare: boolean): Pairs {
    const name = `${entity.name}/${key.name}${rare ? ', rare' : ''}`;
    const known = this.#pairs.get(name) ?? new Pairs(entity, key, rare);
    this.#pairs.set(name, known);
    return known;
  }

  add(row: Row, timeMs: number, offset: number, admission: Admission): void {
    const record = this.count++;
    this.#offsets[record] = offset;
    this.#admissions[record] = admission;
    this.#everything &&= admission.everything(offset);
    this.weights.read(timeMs, record);
    this.signals.read(row, record);
    for (const field of this.#fields.values()) field.read(row, record);
  }

  /** Whether a record still counts for the slot of an entity. */
  admits(record: number, slot: number): boolean {
    return this.#everything || (this.#admissions[record] as Admission).admits(slot, this.#offsets[record] as number);
  }

  /** Views are about to look at the records. */
  close(): void {
    for (const pairs of this.#pairs.values()) pairs.forget();
  }

  /** The records were folded: the next chunk begins, with the same ids. */
  next(): void {
    this.count = 0;
    this.#everything = true;
    for (const field of this.#fields.values()) field.count = 0;
  }

  /** The batch was written: ids begin anew. */
  clear(): void {
    for (const field of this.#fields.values()) field.interner.clear();
    for (const pairs of this.#pairs.values()) pairs.clear();
    this.weights.epochMs = Number.NaN;
  }
}
