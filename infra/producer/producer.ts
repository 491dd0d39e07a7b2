import avro from 'avsc';
import type { Log } from '#infra/log/log.ts';
import type { SchemaRegistry } from '#infra/registry/registry.ts';
import { avroOf } from '#schemas/events/avro.ts';
import type { EventContract, EventOf } from '#schemas/events/contract.ts';

/** Encodes events of a contract in the registry's wire format and appends them to its topic. */
export class EventProducer {
  readonly #log: Log;
  readonly #registry: SchemaRegistry;
  readonly #encoders = new Map<string, Promise<{ type: avro.Type; prefix: Buffer }>>();

  constructor(ports: { log: Log; registry: SchemaRegistry }) {
    this.#log = ports.log;
    this.#registry = ports.registry;
  }

  #encoder(contract: EventContract): Promise<{ type: avro.Type; prefix: Buffer }> {
    const known = this.#encoders.get(contract.topic);
    if (known) return known;
    const made = (async () => {
      const schema = avroOf(contract);
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(await this.#registry.register(contract.topic, schema), 1);
      return { type: avro.Type.forSchema(schema as avro.Schema), prefix };
    })();
    this.#encoders.set(contract.topic, made);
    made.catch(() => this.#encoders.delete(contract.topic));
    return made;
  }

  async encode<C extends EventContract>(contract: C, events: readonly EventOf<C>[]): Promise<Buffer[]> {
    const { type, prefix } = await this.#encoder(contract);
    return events.map((event) => Buffer.concat([prefix, type.toBuffer(event)]));
  }

  /** Resolves once the log has acknowledged every event. */
  async send<C extends EventContract>(contract: C, events: readonly EventOf<C>[]): Promise<void> {
    const values = await this.encode(contract, events);
    await this.#log.append(
      contract.topic,
      values.map((value, i) => ({ key: String((events[i] as Record<string, unknown>)[contract.key]), value })),
    );
  }
}
