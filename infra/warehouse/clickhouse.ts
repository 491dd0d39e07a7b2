import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { ForyouError } from '../errors.ts';
import type { Block } from './block.ts';
import type { Warehouse } from './warehouse.ts';

/** ClickHouse answers a statement that it understood and refused with a numeric code; anything else is an outage. */
const isRefusal = (cause: unknown): boolean => /^\d+$/.test(String((cause as { code?: unknown }).code ?? ''));

export class ClickHouseWarehouse implements Warehouse {
  readonly #client: ClickHouseClient;

  constructor(url: string, requestTimeoutMs = 60_000) {
    this.#client = createClient({
      url,
      request_timeout: requestTimeoutMs,
      max_open_connections: 16,
      keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
      log: { LoggerClass: SilentLogger },
    });
  }

  async insertBlock(table: string, block: Block, token: string): Promise<void> {
    const { stream } = await this.#tried('insert', () =>
      this.#client.exec({
        query: `INSERT INTO ${table} (${block.columns.map(({ name }) => name).join(', ')}) FORMAT Native`,
        values: Readable.from(block.native(), { objectMode: false }),
        clickhouse_settings: {
          async_insert: 0,
          insert_deduplicate: 1,
          insert_deduplication_token: token,
          deduplicate_blocks_in_dependent_materialized_views: 1,
          // One block per insert: the same rows must always cut into the same blocks.
          max_insert_block_size: '1048576',
          min_insert_block_size_rows: '1048576',
        },
      }),
    );
    stream.resume();
    // An answer that breaks off is none.
    await this.#tried('insert', () => finished(stream));
  }

  async query<Row>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<Row[]> {
    const result = await this.#tried('query', () =>
      this.#client.query({
        query: sql,
        format: 'JSONEachRow',
        query_params: { ...params },
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
      }),
    );
    return result.json<Row>();
  }

  async queryBinary(sql: string): Promise<Buffer> {
    const { stream } = await this.#tried('query', () => this.#client.exec({ query: `${sql} FORMAT RowBinary` }));
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return Buffer.concat(parts);
  }

  async command(sql: string): Promise<void> {
    await this.#tried('command', () => this.#client.command({ query: sql }));
  }

  async insertRows(table: string, rows: readonly object[]): Promise<void> {
    await this.#tried('insert', () => this.#client.insert({ table, values: [...rows], format: 'JSONEachRow' }));
  }

  async #tried<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      if (isRefusal(cause)) throw new ForyouError('input-invalid', `ClickHouse refused the ${what}: ${(cause as Error).message.slice(0, 500)}`, { cause });
      throw new ForyouError('unavailable', 'ClickHouse does not answer', { cause, fix: 'check it: foryou status' });
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Failures reach the caller as errors; the client's own log lines would say them twice. */
class SilentLogger {
  trace(): void {}
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
}
