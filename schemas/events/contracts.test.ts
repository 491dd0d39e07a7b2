import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MemoryRegistry } from '#infra/registry/memory.ts';
import { avroOf } from './avro.ts';
import { event, type Field, text } from './contract.ts';
import { contracts } from './index.ts';

const folder = join(import.meta.dirname, '../avro');

test.each(contracts.map((c) => [c.topic, c] as const))('%s.avsc is what the contract generates (make schemas writes it)', (topic, contract) => {
  expect(JSON.parse(readFileSync(join(folder, `${topic}.avsc`), 'utf8'))).toEqual(avroOf(contract));
});

test('no .avsc file is left over', () => {
  expect(readdirSync(folder).sort()).toEqual(contracts.map((c) => `${c.topic}.avsc`).sort());
});

test('every contract has an event id, its key and its time', () => {
  for (const c of contracts) expect(Object.keys(c.fields)).toEqual(expect.arrayContaining(['eventId', c.key, c.time]));
});

test('every symbol is a name as Avro wants it', () => {
  const symbols = contracts.flatMap((c) => Object.values(c.fields as Record<string, Field>).flatMap((f) => (f.type === 'enum' ? f.symbols : [])));
  expect(symbols.filter((s) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(s))).toEqual([]);
});

test('a breaking edit of a contract is refused', async () => {
  const registry = new MemoryRegistry();
  const v1 = event({ topic: 't', doc: '', key: 'eventId', time: 'eventId', fields: { eventId: text('id') } });
  const noFallback = event({ topic: 't', doc: '', key: 'eventId', time: 'eventId', fields: { eventId: text('id'), extra: text('new') } });
  const fallback = event({ topic: 't', doc: '', key: 'eventId', time: 'eventId', fields: { eventId: text('id'), extra: text('new', '') } });
  await registry.register('t', avroOf(v1));
  await expect(registry.register('t', avroOf(noFallback))).rejects.toMatchObject({ code: 'schema-incompatible' });
  await expect(registry.register('t', avroOf(fallback))).resolves.toBe(2);
});
