import type { AvroRecord } from '#schemas/events/avro.ts';

/** The schema registry: which writer schema an id in front of a record stands for. */
export interface SchemaRegistry {
  /**
   * Registers the schema under `<topic>-value` with BACKWARD_TRANSITIVE compatibility.
   * Fails with code `schema-incompatible` when readers of the old schemas could not go on.
   */
  register(topic: string, schema: AvroRecord): Promise<number>;
  /** The writer schema of an id, or null when nobody registered it. Fails with `unavailable` in an outage. */
  schemaOf(id: number): Promise<AvroRecord | null>;
}
