import type { Block } from './block.ts';

/** The warehouse of history: inserts that count once, and SQL. */
export interface Warehouse {
  /**
   * Inserts a block, which must not change meanwhile. The same `token` inserts once, however often
   * it is sent, also in every materialised view that the table feeds.
   */
  insertBlock(table: string, block: Block, token: string): Promise<void>;
  query<Row>(sql: string, params?: Readonly<Record<string, unknown>>): Promise<Row[]>;
  /** Rows of fixed width, one after another (ClickHouse's RowBinary), for numbers by the million. */
  queryBinary(sql: string): Promise<Buffer>;
  command(sql: string): Promise<void>;
  /** Few rows that need no log behind them, for example of the import's bookkeeping. */
  insertRows(table: string, rows: readonly object[]): Promise<void>;
  close(): Promise<void>;
}
