import avro from 'avsc';
import type { Warehouse } from './warehouse.ts';

/** Tables in memory for unit tests of the history protocol: Avro inserts with tokens, `SELECT *` and nothing else. */
export class MemoryWarehouse implements Warehouse {
  readonly #rows = new Map<string, Record<string, unknown>[]>();
  readonly #tokens = new Set<string>();

  async insertAvro(table: string, columns: readonly string[], file: Buffer, token: string): Promise<void> {
    if (this.#tokens.has(`${table} ${token}`)) return;
    const rows: Record<string, unknown>[] = [];
    await new Promise<void>((resolve, reject) => {
      const decoder = new avro.streams.BlockDecoder();
      decoder.on('data', (row: object) => rows.push(Object.fromEntries(columns.map((c) => [c, (row as Record<string, unknown>)[c]]))));
      decoder.once('end', resolve).once('error', reject);
      decoder.end(file);
    });
    this.#tokens.add(`${table} ${token}`);
    await this.insertRows(table, rows);
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
