import type { AvroField, AvroNamed, AvroRecord, AvroType } from '#schemas/events/avro.ts';
import { type EventContract, type Field, maxListItems, maxStringBytes } from '#schemas/events/contract.ts';

/**
 * Reads Avro bodies without making an object per record. For each pair of contract and writer
 * schema one function is generated that walks the bytes once and leaves the fields in a reused
 * row: numbers and enum symbols as values, strings as a place in the buffer (`$userId` where it
 * starts, `$$userId` its length in bytes) that becomes a JavaScript string only when a step asks.
 * Resolution follows the Avro 1.12 specification as far as contracts go: fields by name, numeric
 * promotion, defaults for fields that the writer lacks, enum symbols by name.
 */
export interface Row {
  buffer: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: fields as the contract has them
  [field: string]: any;
}

export const readOutcome = { ok: 0, badBytes: 1, stringTooLong: 2, unknownSymbol: 3, listTooLong: 4 } as const;
/** Reads the body in [from, to) of a buffer. */
export type Reader = (buffer: Buffer, from: number, to: number, row: Row) => number;

/**
 * An empty row of a contract; every reader of that contract may fill it. Its constructor names all fields: an object that
 * gains them one by one, by computed names, becomes a hash table, and each look at a field costs ten times as much.
 */
export function newRow(contract: EventContract): Row {
  const fields = Object.entries(contract.fields);
  const initial = fields.map(([name, field]) =>
    field.type === 'string'
      ? `this.$${name} = 0; this.$$${name} = 0;`
      : `this.${name} = ${JSON.stringify(field.fallback ?? (field.type === 'enum' ? '' : field.type === 'strings' ? [] : 0))};`,
  );
  const strings = fields
    .filter(([, field]) => field.type === 'string')
    .map(([name]) => `get ${name}() { const n = this.$$${name}; return n === 0 ? '' : this.buffer.toString('utf8', this.$${name}, this.$${name} + n); }`);
  const source = `return new (class Row { constructor(buffer) { this.buffer = buffer; ${initial.join(' ')} } ${strings.join('\n')} })(buffer);`;
  return new Function('buffer', source)(Buffer.alloc(0)) as Row;
}

/** The event that a row holds, as an object of its own: rows are used again. */
export const eventOf = (contract: EventContract, row: Row): Record<string, unknown> =>
  Object.fromEntries(Object.keys(contract.fields).map((name) => [name, row[name]]));

/** Null when records of the writer schema cannot be read as the contract. */
export function compileReader(contract: EventContract, writer: AvroRecord): Reader | null {
  try {
    const source = new Generator(contract, writer).source();
    return new Function(`return ${source}`)() as Reader;
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

class Unreadable extends Error {}

class Generator {
  readonly #contract: EventContract;
  readonly #writer: AvroRecord;
  readonly #named = new Map<string, AvroNamed>();
  readonly #open = new Set<AvroNamed>();
  #variables = 0;

  constructor(contract: EventContract, writer: AvroRecord) {
    this.#contract = contract;
    this.#writer = writer;
  }

  source(): string {
    if (this.#writer.type !== 'record') throw new Unreadable('not a record');
    const written = new Set(this.#writer.fields.map((f) => f.name));
    const defaults = Object.entries(this.#contract.fields).filter(([name]) => !written.has(name));
    return `function read(b, from, end, row) {
      let p = from, x = 0, n = 0, f = 0, long = 0, unknown = 0, list = 0;
      row.buffer = b;
      ${defaults.map(([name, field]) => this.#default(name, field)).join('\n')}
      ${this.#writer.fields.map((f) => this.#field(f)).join('\n')}
      return p !== end ? 1 : long ? 2 : unknown ? 3 : list ? 4 : 0;
    }`;
  }

  #default(name: string, field: Field): string {
    if (field.fallback === undefined) throw new Unreadable(`the writer lacks ${name}`);
    if (field.type === 'string') return `row.$${name} = 0; row.$$${name} = 0;`;
    return `row.${name} = ${JSON.stringify(field.fallback)};`;
  }

  #field(written: AvroField): string {
    const field = this.#contract.fields[written.name];
    return this.#value(written.type, field ? { name: written.name, field } : undefined);
  }

  /** Code that reads one value into its field, or only passes over it. */
  #value(type: AvroType, into?: { name: string; field: Field }): string {
    const t = this.#resolve(type);
    if (Array.isArray(t)) return this.#union(t, into);
    const kind = kindOf(t);
    switch (kind) {
      case 'null':
        return into ? this.#default(into.name, into.field) : '';
      case 'boolean':
        return `${this.#number(into, 'b[p]')} p++;`;
      case 'int':
      case 'long':
        return `${varint} ${this.#number(into, '(n % 2 === 0 ? n / 2 : -(n + 1) / 2)')}`;
      case 'float':
        return `if (p + 4 > end) return 1; ${this.#number(into, 'b.readFloatLE(p)')} p += 4;`;
      case 'double':
        return `if (p + 8 > end) return 1; ${this.#number(into, 'b.readDoubleLE(p)')} p += 8;`;
      case 'bytes':
      case 'string':
        return this.#string(into);
      case 'fixed':
        return into ? unreadable(into.name) : `p += ${Number((t as AvroNamed).size)};`;
      case 'enum':
        return this.#enum(t as AvroNamed, into);
      case 'array':
        return this.#blocks((t as AvroNamed).items as AvroType, into, '');
      case 'map':
        return into ? unreadable(into.name) : this.#blocks((t as AvroNamed).values as AvroType, undefined, this.#string());
      case 'record':
        return this.#record(t as AvroNamed, into);
      default:
        throw new Unreadable(`unknown type ${kind}`);
    }
  }

  #resolve(type: AvroType): AvroType {
    if (Array.isArray(type)) return type;
    if (typeof type === 'string') return this.#named.get(type) ?? type;
    if (type.name) {
      this.#named.set(type.name, type);
      if (type.namespace) this.#named.set(`${type.namespace}.${type.name}`, type);
      else this.#named.set(`foryou.${type.name}`, type);
    }
    // A type may wrap another one: {"type": {"type": "string"}}
    return typeof type.type === 'object' ? this.#resolve(type.type) : type;
  }

  #number(into: { name: string; field: Field } | undefined, value: string): string {
    if (!into) return '';
    if (into.field.type !== 'int' && into.field.type !== 'long' && into.field.type !== 'double') return unreadable(into.name);
    return `row.${into.name} = ${value};`;
  }

  #string(into?: { name: string; field: Field }): string {
    if (into && into.field.type !== 'string') return unreadable(into.name);
    const keep = into ? `row.$${into.name} = p; row.$$${into.name} = n; if (n > ${maxStringBytes}) long = 1;` : '';
    return `${varint} if (n % 2 === 1) return 1; n /= 2; if (p + n > end) return 1; ${keep} p += n;`;
  }

  #enum(type: AvroNamed, into?: { name: string; field: Field }): string {
    const read = `${varint} if (n % 2 === 1 || n / 2 >= ${type.symbols?.length ?? 0}) return 1;`;
    if (!into) return read;
    if (into.field.type !== 'enum') return unreadable(into.name);
    const { symbols, fallback } = into.field;
    const known = (type.symbols ?? []).map((symbol) => (symbols.includes(symbol) ? symbol : (fallback ?? null)));
    const list = JSON.stringify(known);
    return `${read} row.${into.name} = ${list}[n / 2]; if (row.${into.name} === null) unknown = 1;`;
  }

  #blocks(items: AvroType, into: { name: string; field: Field } | undefined, before: string): string {
    if (into && (into.field.type !== 'strings' || kindOf(this.#resolve(items)) !== 'string')) return unreadable(into.name);
    const v = `k${this.#variables++}`;
    const item = into
      ? `${varint} if (n % 2 === 1) return 1; n /= 2; if (p + n > end) return 1; if (n > ${maxStringBytes}) long = 1; else if (row.${into.name}.length === ${maxListItems}) list = 1; else row.${into.name}.push(b.toString('utf8', p, p + n)); p += n;`
      : this.#value(items);
    return `${into ? `row.${into.name} = [];` : ''}
      for (;;) {
        ${varint} if (n === 0) break;
        let ${v} = n % 2 === 0 ? n / 2 : (n + 1) / 2;
        if (n % 2 === 1) { ${varint} }
        while (${v}-- > 0) { if (p >= end) return 1; ${before} ${item} }
        if (p >= end) return 1;
      }`;
  }

  #record(type: AvroNamed, into?: { name: string; field: Field }): string {
    if (into) return unreadable(into.name);
    if (this.#open.has(type)) throw new Unreadable('recursive record');
    this.#open.add(type);
    const code = (type.fields ?? []).map((f) => this.#value(f.type)).join('\n');
    this.#open.delete(type);
    return code;
  }

  #union(branches: readonly AvroType[], into?: { name: string; field: Field }): string {
    const cases = branches.map((branch, i) => `case ${2 * i}: { ${this.#value(branch, into)} break; }`);
    return `${varint} switch (n) { ${cases.join('\n')} default: return 1; }`;
  }
}

const kindOf = (t: AvroType): unknown => (typeof t === 'string' || Array.isArray(t) ? t : t.type);

function unreadable(name: string): never {
  throw new Unreadable(`field ${name} has another type`);
}

// Leaves the raw (zigzag) number in n; over 28 bits by multiplication, since bit operations are 32 bits wide.
const varint = `
  if (p >= end) return 1;
  x = b[p++]; n = x & 127;
  if (x > 127) { x = b[p++]; n |= (x & 127) << 7;
  if (x > 127) { x = b[p++]; n |= (x & 127) << 14;
  if (x > 127) { x = b[p++]; n |= (x & 127) << 21;
  if (x > 127) { f = 268435456; do { x = b[p++]; n += (x & 127) * f; f *= 128; } while (x > 127); } } } }
  if (p > end) return 1;`;
