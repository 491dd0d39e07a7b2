import { type Column, columnOf } from './columns.ts';

/**
 * Rows on their way into a table, by columns: ClickHouse takes its Native format for a twelfth of what reading rows costs
 * it. Whoever fills a block adds a value to each column, once for each row.
 */
export class Block {
  readonly columns: readonly Column[];
  rows = 0;

  constructor(types: readonly { readonly name: string; readonly sql: string }[]) {
    this.columns = types.map(({ name, sql }) => columnOf(name, sql));
  }

  get bytes(): number {
    return this.columns.reduce((sum, column) => sum + column.bytes, 0);
  }

  clear(): void {
    this.rows = 0;
    for (const column of this.columns) column.clear();
  }

  /** The block in ClickHouse's Native format; valid until the block is changed. */
  native(): Buffer[] {
    const size = Buffer.concat([varint(this.columns.length), varint(this.rows)]);
    return [size, ...this.columns.flatMap((column) => [named(column.name), named(column.sql), ...column.native()])];
  }

  toRows(): Record<string, unknown>[] {
    const values = this.columns.map((column) => [column.name, column.values()] as const);
    return Array.from({ length: this.rows }, (_, row) => Object.fromEntries(values.map(([name, of]) => [name, of[row]])));
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let n = value;
  for (; n > 127; n >>>= 7) bytes.push((n & 127) | 128);
  return Buffer.from([...bytes, n]);
}

function named(name: string): Buffer {
  const bytes = Buffer.from(name);
  return Buffer.concat([varint(bytes.length), bytes]);
}
