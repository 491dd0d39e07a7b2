import fc from 'fast-check';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { strings, text, timestampMs } from '#schemas/events/contract.ts';
import { createStatements } from '#schemas/tables/table.ts';
import { sharedConfig } from '../testing/shared-stack.ts';
import { Block } from './block.ts';
import { ClickHouseWarehouse } from './clickhouse.ts';
import type { Lists, Longs, Numbers, Texts, Words } from './columns.ts';
import { MemoryWarehouse } from './memory.ts';
import type { Warehouse } from './warehouse.ts';

const config = sharedConfig(inject('stackEnvironment'));
const clickhouse = new ClickHouseWarehouse(config.clickhouseUrl);
afterAll(() => clickhouse.close());
const unique = (name: string): string => `${name}_${crypto.randomUUID().replaceAll('-', '')}`;

const types = [
  { name: 'row', sql: 'UInt64' },
  { name: 'id', sql: 'String' },
  { name: 'word', sql: 'LowCardinality(String)' },
  { name: 'small', sql: 'UInt16' },
  { name: 'whole', sql: 'Int32' },
  { name: 'long', sql: 'Int64' },
  { name: 'at', sql: "DateTime64(3, 'UTC')" },
  { name: 'part', sql: 'Float64' },
  { name: 'many', sql: 'Array(String)' },
];
interface Row {
  readonly row: number;
  readonly id: string;
  readonly word: string;
  readonly small: number;
  readonly whole: number;
  readonly long: number;
  readonly part: number;
  readonly many: readonly string[];
}
const plain = { word: 'w', small: 1, whole: 2, long: 3, part: 0.5, many: ['m'] };

function fill(block: Block, rows: readonly Row[]): Block {
  const [row, id, word, small, whole, long, at, part, many] = block.columns as unknown as [Longs, Texts, Words, Numbers, Numbers, Longs, Longs, Numbers, Lists];
  for (const r of rows) {
    row.add(r.row);
    // Other bytes before and behind, which are not meant.
    const bytes = Buffer.from(`<${r.id}>`);
    id.add(bytes, 1, bytes.length - 2);
    if (r.word.length % 2 === 0) word.addWord(r.word);
    else word.add(Buffer.from(r.word), 0, Buffer.byteLength(r.word));
    small.add(r.small);
    whole.add(r.whole);
    long.add(r.long);
    at.add(1_700_000_000_000 + r.row);
    part.add(r.part);
    many.add(r.many);
    block.rows++;
  }
  return block;
}

async function table(warehouse: Warehouse): Promise<string> {
  const name = unique('contract');
  await warehouse.command(
    `CREATE TABLE ${name} (${types.map((t) => `${t.name} ${t.sql}`).join(', ')}) ENGINE = MergeTree ORDER BY row SETTINGS non_replicated_deduplication_window = 100`,
  );
  return name;
}

const warehouses: [string, Warehouse][] = [
  ['clickhouse', clickhouse],
  ['memory', new MemoryWarehouse()],
];
describe.each(warehouses)('warehouse contract: %s', (_name, warehouse) => {
  const ids = async (name: string) => (await warehouse.query<{ id: string }>(`SELECT * FROM ${name}`)).map((r) => r.id).sort();
  const named = (names: readonly string[]) =>
    fill(
      new Block(types),
      names.map((id, row) => ({ ...plain, row, id })),
    );

  test('one token counts once; another token counts again', async () => {
    const name = await table(warehouse);
    await warehouse.insertBlock(name, named(['a', 'b']), 'token-1');
    await warehouse.insertBlock(name, named(['a', 'b']), 'token-1');
    expect(await ids(name)).toEqual(['a', 'b']);
    await warehouse.insertBlock(name, named(['c']), 'token-2');
    expect(await ids(name)).toEqual(['a', 'b', 'c']);
  });

  test('what goes into a block comes out of the table, whatever it is, also from a block that is used again', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 });
    const row = fc.record({
      id: text,
      word: text,
      small: fc.integer({ min: 0, max: 65_535 }),
      whole: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      long: fc.integer({ min: -(2 ** 53), max: 2 ** 53 }),
      part: fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
      many: fc.array(text, { maxLength: 4 }),
    });
    const block = new Block(types);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 90 }), async (values) => {
        const name = await table(warehouse);
        const rows = values.map((value, i) => ({ ...value, row: i }));
        block.clear();
        await warehouse.insertBlock(name, fill(block, rows), 'a');
        // As text, so that both answer a time alike.
        const found = (await warehouse.query<Row & { at: unknown }>(`SELECT * FROM ${name}`)).sort((a, b) => a.row - b.row);
        expect(found.map(({ at, ...rest }) => [rest, typeof at === 'number' ? at : Date.parse(`${String(at).replace(' ', 'T')}Z`)])).toEqual(
          rows.map((r) => [r, 1_700_000_000_000 + r.row]),
        );
      }),
      { numRuns: 25 },
    );
  });

  test.each([300, 70_000])('%d distinct words of a column that expects few, and as many rows in one block, arrive whole', async (count) => {
    const name = await table(warehouse);
    const rows = Array.from({ length: count }, (_, row) => ({ ...plain, row, id: `row-${String(row).padStart(6, '0')}`, word: `word ${row}` }));
    await warehouse.insertBlock(name, fill(new Block(types), rows), 'big');
    const found = (await warehouse.query<Row>(`SELECT * FROM ${name}`)).sort((a, b) => a.row - b.row);
    expect(found.map((r) => [r.id, r.word])).toEqual(rows.map((r) => [r.id, r.word]));
  });
});

test('ClickHouse tells a refusal from an outage', async () => {
  await expect(clickhouse.query('SELECT nonsense FROM nowhere')).rejects.toMatchObject({ code: 'input-invalid' });
  const nobody = new ClickHouseWarehouse('http://127.0.0.1:9');
  await expect(nobody.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
  await nobody.close();
});

test('a table of an earlier release gains the fields that its contract gained, and keeps its rows', async () => {
  const name = unique('older');
  const fields = { eventId: text('id'), at: timestampMs('time') };
  const contract = { topic: 't', doc: '', key: 'eventId', time: 'at', fields };
  const older = { name, contract, group: 'g', orderBy: 'event_id', rollups: [] };
  for (const statement of createStatements(older)) await clickhouse.command(statement);
  await clickhouse.command(`INSERT INTO ${name} (event_id, at) VALUES ('a', now64(3))`);
  const newer = { ...older, contract: { ...contract, fields: { ...fields, region: text('where', 'ZZ'), tags: strings('tags') } } };
  for (const statement of createStatements(newer)) await clickhouse.command(statement);
  expect(await clickhouse.query(`SELECT event_id, region, tags FROM ${name}`)).toEqual([{ event_id: 'a', region: 'ZZ', tags: [] }]);
  await clickhouse.command(`DROP TABLE ${name}`);
});
