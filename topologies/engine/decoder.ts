import type { LogRecord } from '#infra/log/log.ts';
import type { SchemaRegistry } from '#infra/registry/registry.ts';
import { type EventContract, maxListItems } from '#schemas/events/contract.ts';
import { compileReader, newRow, type Reader, type Row, readOutcome } from './avro-reader.ts';
import { type Outcome, ok, reject } from './steps.ts';

/** Confluent wire format: a zero byte, the schema id as u32 big-endian, then the Avro body. */
const prefixBytes = 5;

interface Writer {
  readonly id: number;
  readonly read: Reader | null;
}

const nullValue = reject('null-value', 'the record has no value');
const noMagic = reject('bad-bytes', 'the value does not begin with the wire format of the schema registry');
const badBytes = reject('bad-bytes', 'the body does not match its writer schema');
const tooLong = reject('string-too-long', 'a string is longer than any id, name or URL');
const listTooLong = reject('list-too-long', `a list has more than ${maxListItems} items`);
const unknownSymbol = reject('unknown-symbol', 'an enum symbol is not in the contract');

const hasPrefix = ({ bytes, from, to }: LogRecord): boolean => from >= 0 && to - from >= prefixBytes && bytes[from] === 0;

/** Turns log records into rows of one contract; the row is reused from record to record. */
export class Decoder {
  readonly row: Row;
  readonly #contract: EventContract;
  readonly #registry: SchemaRegistry;
  readonly #writers = new Map<number, Writer>();
  /** The last record's writer: records of one batch mostly share it. */
  #writer: Writer | undefined;

  constructor(contract: EventContract, registry: SchemaRegistry) {
    this.#contract = contract;
    this.#registry = registry;
    this.row = newRow(contract);
  }

  /** Fetches the writer schemas of a batch that are not known yet, so that `decode` needs no waiting. */
  async learn(records: readonly LogRecord[]): Promise<void> {
    const missing = new Set<number>();
    let last = -1;
    for (const record of records) {
      if (!hasPrefix(record)) continue;
      const id = record.bytes.readUInt32BE(record.from + 1);
      if (id !== last && !this.#writers.has(id)) missing.add(id);
      last = id;
    }
    for (const id of missing) {
      const schema = await this.#registry.schemaOf(id);
      if (schema) this.#writers.set(id, { id, read: compileReader(this.#contract, schema) });
    }
  }

  decode(record: LogRecord): Outcome {
    const { bytes, from, to } = record;
    if (from < 0) return nullValue;
    if (!hasPrefix(record)) return noMagic;
    const id = bytes.readUInt32BE(from + 1);
    if (this.#writer?.id !== id) this.#writer = this.#writers.get(id);
    if (!this.#writer) return reject('unknown-schema', `schema id ${id} is not in the registry`);
    if (!this.#writer.read) return reject('schema-mismatch', `schema id ${id} cannot be read as ${this.#contract.topic}`);
    switch (this.#writer.read(bytes, from + prefixBytes, to, this.row)) {
      case readOutcome.ok:
        return ok;
      case readOutcome.stringTooLong:
        return tooLong;
      case readOutcome.listTooLong:
        return listTooLong;
      case readOutcome.unknownSymbol:
        return unknownSymbol;
      default:
        return badBytes;
    }
  }
}
