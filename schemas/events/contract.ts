/**
 * The small language in which every event contract is written. The TypeScript value is the
 * source: the event's type is inferred from it and its Avro schema is generated from it.
 */

interface FieldBase<T> {
  readonly doc: string;
  readonly fallback?: T;
}
export interface StringField extends FieldBase<string> {
  readonly type: 'string';
}
export interface NumberField extends FieldBase<number> {
  readonly type: 'int' | 'long' | 'double';
  readonly logical?: 'timestamp-millis';
}
export interface EnumField<S extends string = string> extends FieldBase<S> {
  readonly type: 'enum';
  readonly symbols: readonly S[];
}
export interface ListField extends FieldBase<readonly string[]> {
  readonly type: 'strings';
}
export type Field = StringField | NumberField | EnumField | ListField;

type FieldValue<F> = F extends EnumField<infer S> ? S : F extends NumberField ? number : F extends ListField ? readonly string[] : string;

/** One event contract: a Kafka topic, its record key and its fields in wire order. */
export interface EventContract<F extends Record<string, Field> = Record<string, Field>> {
  readonly topic: string;
  readonly doc: string;
  /** The field whose value is the Kafka record key; one key always meets the same partition. */
  readonly key: string;
  /** The field that holds event time in milliseconds. */
  readonly time: string;
  readonly fields: F;
}

/** The TypeScript type of a contract's events. */
export type EventOf<C> = C extends EventContract<infer F> ? { -readonly [K in keyof F]: FieldValue<F[K]> } : never;

export function event<const F extends Record<string, Field>>(contract: EventContract<F> & { key: keyof F & string; time: keyof F & string }): EventContract<F> {
  return contract;
}

/** The values that a producer of an older schema leaves to the contract. */
export const fallbacksOf = <C extends EventContract>({ fields }: C): Partial<EventOf<C>> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, { fallback }]) => (fallback === undefined ? [] : [[name, fallback]]))) as Partial<EventOf<C>>;

/** A UTF-8 string of at most `maxStringBytes` bytes; a fallback makes it optional for producers. */
export const text = (doc: string, fallback?: string): StringField => ({
  type: 'string',
  doc,
  ...(fallback === undefined ? {} : { fallback }),
});
export const int = (doc: string, fallback?: number): NumberField => ({
  type: 'int',
  doc,
  ...(fallback === undefined ? {} : { fallback }),
});
export const double = (doc: string, fallback?: number): NumberField => ({
  type: 'double',
  doc,
  ...(fallback === undefined ? {} : { fallback }),
});
/** Event time: milliseconds since 1970-01-01 UTC, as the producer's clock saw it. */
export const timestampMs = (doc: string): NumberField => ({ type: 'long', logical: 'timestamp-millis', doc });
export const oneOf = <const S extends string>(doc: string, symbols: readonly S[], fallback?: S): EnumField<S> => ({
  type: 'enum',
  symbols,
  doc,
  ...(fallback === undefined ? {} : { fallback }),
});
export const strings = (doc: string): ListField => ({ type: 'strings', doc, fallback: [] });

/** No string of any event may be longer than this many bytes: ids, names and URLs fit, blobs do not. */
export const maxStringBytes = 2048;

/** No list of any event may be longer: all regions of the world fit. */
export const maxListItems = 1_000;
