import type { AvroRecord } from '#schemas/events/avro.ts';
import { ForyouError } from '../errors.ts';
import type { SchemaRegistry } from './registry.ts';

/** A registry in memory, with the part of BACKWARD_TRANSITIVE that contracts meet: no retyped field, no new field without a default. */
export class MemoryRegistry implements SchemaRegistry {
  readonly #schemas: AvroRecord[] = [];
  readonly #subjects = new Map<string, number[]>();

  async register(topic: string, schema: AvroRecord): Promise<number> {
    const versions = this.#subjects.get(topic) ?? [];
    const text = JSON.stringify(schema);
    const known = versions.find((id) => JSON.stringify(this.#schemas[id - 1]) === text);
    if (known !== undefined) return known;
    for (const id of versions) this.#check(topic, this.#schemas[id - 1] as AvroRecord, schema);
    const id = this.#schemas.push(schema);
    this.#subjects.set(topic, [...versions, id]);
    return id;
  }

  #check(topic: string, old: AvroRecord, now: AvroRecord): void {
    for (const field of now.fields) {
      const before = old.fields.find((f) => f.name === field.name);
      if (before ? JSON.stringify(before.type) !== JSON.stringify(field.type) : field.default === undefined)
        throw new ForyouError('schema-incompatible', `field ${field.name} of ${topic} breaks readers of its earlier versions`);
    }
  }

  async schemaOf(id: number): Promise<AvroRecord | null> {
    return this.#schemas[id - 1] ?? null;
  }
}
