import avro from 'avsc';
import { avroOf } from '#schemas/events/avro.ts';
import type { EventContract, EventOf } from '#schemas/events/contract.ts';
import type { LogRecord } from '../log/log.ts';
import type { SchemaRegistry } from './registry.ts';

/** Confluent wire format: a zero byte, the schema id as u32 big-endian, then the Avro body. */
const prefixBytes = 5;

/** Reads events of a contract one by one, whatever version wrote them: for topics of little volume. Topologies have a faster way. */
export class EventReader<C extends EventContract> {
  readonly #registry: SchemaRegistry;
  readonly #type: avro.Type;
  readonly #resolvers = new Map<number, unknown>();

  constructor(contract: C, registry: SchemaRegistry) {
    this.#registry = registry;
    this.#type = avro.Type.forSchema(avroOf(contract) as avro.Schema);
  }

  /** Null for a record that is no event of the contract: history's topology says why. */
  async read({ value }: LogRecord): Promise<EventOf<C> | null> {
    if (!value || value.length < prefixBytes || value[0] !== 0) return null;
    const id = value.readUInt32BE(1);
    try {
      if (!this.#resolvers.has(id)) {
        const schema = await this.#registry.schemaOf(id);
        if (!schema) return null;
        this.#resolvers.set(id, this.#type.createResolver(avro.Type.forSchema(schema as avro.Schema)));
      }
      return this.#type.fromBuffer(value.subarray(prefixBytes), this.#resolvers.get(id) as never) as EventOf<C>;
    } catch {
      return null;
    }
  }
}
