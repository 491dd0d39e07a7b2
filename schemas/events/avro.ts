import type { EventContract, Field } from './contract.ts';

/** Avro's JSON form of a schema, as far as contracts use it (Apache Avro 1.12 specification). */
export type AvroType = string | AvroNamed | AvroType[];
export interface AvroNamed {
  readonly type: AvroType;
  readonly name?: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly logicalType?: string;
  readonly symbols?: readonly string[];
  readonly items?: AvroType;
  readonly values?: AvroType;
  readonly size?: number;
  readonly default?: unknown;
  readonly fields?: readonly AvroField[];
}
export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly doc?: string;
  readonly default?: unknown;
}
export interface AvroRecord extends AvroNamed {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly AvroField[];
}

const pascal = (name: string): string => name.replace(/(^|[-_])(\w)/g, (_all, _dash, letter: string) => letter.toUpperCase());

function fieldType(name: string, field: Field): AvroType {
  if (field.type === 'enum') return { type: 'enum', name: pascal(name), symbols: field.symbols, ...(field.fallback ? { default: field.fallback } : {}) };
  if (field.type === 'strings') return { type: 'array', items: 'string' };
  if (field.type !== 'string' && field.logical) return { type: field.type, logicalType: field.logical };
  return field.type;
}

/** The Avro record schema of a contract: what producers register and what `schemas/avro/` holds. */
export function avroOf(contract: EventContract): AvroRecord {
  return {
    type: 'record',
    name: pascal(contract.topic),
    namespace: 'foryou',
    doc: contract.doc,
    fields: Object.entries(contract.fields).map(([name, field]) => ({
      name,
      type: fieldType(name, field),
      doc: field.doc,
      ...(field.fallback === undefined ? {} : { default: field.fallback }),
    })),
  };
}
