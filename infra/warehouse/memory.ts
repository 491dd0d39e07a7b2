import type { Block } from './block.ts';
import type { Warehouse } from './warehouse.ts';

/** Tables in memory for unit tests of the history protocol: blocks with tokens, `SELECT *` and nothing else. */
export class MemoryWarehouse implements Warehouse {
  readonly #rows = new Map<string, Record<string, unknown>[]>();
  readonly #tokens = new Set<string>();

  async insertBlock(table: string, block: Block, token: string): Promise<void> {
    if (this.#tokens.has(`${table} ${token}`)) return;
    this.#tokens.add(`${table} ${token}`);
    await this.insertRows(table, block.toRows());
  }

  async query<Row>(sql: string): Promise<Row[]> {
    const table = /^SELECT \* FROM (\w+)$/.exec(sql)?.[1];
    if (!table) throw new TypeError(`the memory warehouse answers only SELECT * FROM table, not: ${sql}`);
    return [...(this.#rows.get(table) ?? [])] as Row[];
  }

  async queryBinary(sql: string): Promise<Buffer> {
    throw new TypeError(`the memory warehouse knows no binary rows: ${sql}`);
  }

  async command(): Promise<void> {}

  async insertRows(table: string, rows: readonly object[]): Promise<void> {
    this.#rows.set(table, [...(this.#rows.get(table) ?? []), ...(rows as Record<string, unknown>[])]);
  }

  async close(): Promise<void> {}
}
