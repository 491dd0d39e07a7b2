import { Block } from '#infra/warehouse/block.ts';
import type { Field } from '#schemas/events/contract.ts';
import { type HistoryTable, originColumns, tableColumns } from '#schemas/tables/table.ts';
import type { Row } from './avro-reader.ts';

export interface HistoryRows {
  readonly block: Block;
  /** Adds a row to the block, with where in the log it came from. */
  readonly append: (row: Row, partition: number, offset: number, appendedAtMs: number) => void;
}

/**
 * A block for rows of a history table, and the function that appends one. It is generated, as readers are: strings go from
 * the fetched bytes into their column without becoming JavaScript strings, and no field is looked up by name.
 */
export function historyRows(table: HistoryTable): HistoryRows {
  const block = new Block(tableColumns(table));
  const fields = Object.entries(table.contract.fields).map(([name, field], i) => addition(`c${originColumns.length + i}`, name, field));
  const source = `const [${block.columns.map((_, i) => `c${i}`).join(', ')}] = block.columns;
    return function append(row, partition, offset, appendedAtMs) {
      c0.add(partition); c1.add(offset); c2.add(appendedAtMs);
      ${fields.join('\n')}
      block.rows++;
    };`;
  return { block, append: new Function('block', source)(block) as HistoryRows['append'] };
}

function addition(column: string, name: string, field: Field): string {
  if (field.type === 'string') return `${column}.add(row.buffer, row.$${name}, row.$$${name});`;
  return field.type === 'enum' ? `${column}.addWord(row.${name});` : `${column}.add(row.${name});`;
}
