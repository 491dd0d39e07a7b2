import { SchemaRegistry as Client, COMPATIBILITY, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { AvroRecord } from '#schemas/events/avro.ts';
import { ForyouError } from '../errors.ts';
import type { SchemaRegistry } from './registry.ts';

/** How long an id that nobody knows stays unknown without another question. */
const unknownForMs = 30_000;

/** Any registry with the Confluent API; locally Apicurio, whose state lives in Kafka. */
export class ConfluentRegistry implements SchemaRegistry {
  readonly #client: Client;
  readonly #known = new Map<number, AvroRecord>();
  readonly #unknown = new Map<number, number>();

  constructor(url: string) {
    this.#client = new Client({ host: url, retry: { retries: 3, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 2 } });
  }

  async register(topic: string, schema: AvroRecord): Promise<number> {
    const subject = `${topic}-value`;
    try {
      const { id } = await this.#client.register(
        { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
        { subject, compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE },
      );
      return id;
    } catch (cause) {
      if ((cause as { status?: number }).status === 409 || /[Ii]ncompatible|compatibility/.test(String(cause)))
        throw new ForyouError('schema-incompatible', `the schema of ${subject} breaks readers of its earlier versions`, {
          cause,
          fix: 'give a new field a fallback, and never rename or retype a field',
        });
      throw new ForyouError('unavailable', 'the schema registry does not answer', { cause, fix: 'check it: foryou status' });
    }
  }

  async schemaOf(id: number): Promise<AvroRecord | null> {
    const known = this.#known.get(id);
    if (known) return known;
    if ((this.#unknown.get(id) ?? 0) > Date.now()) return null;
    try {
      const schema = (await this.#client.getSchema(id)) as unknown as { toJSON?: () => unknown };
      const json = JSON.parse(JSON.stringify(schema)) as AvroRecord;
      this.#known.set(id, json);
      return json;
    } catch (cause) {
      if ((cause as { status?: number }).status !== 404)
        throw new ForyouError('unavailable', 'the schema registry does not answer', { cause, fix: 'check it: foryou status' });
      // Bounded, so that a flood of bad ids cannot grow it for ever.
      if (this.#unknown.size > 10_000) this.#unknown.clear();
      this.#unknown.set(id, Date.now() + unknownForMs);
      return null;
    }
  }
}
