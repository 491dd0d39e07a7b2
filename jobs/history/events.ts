import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { columnName, type HistoryTable } from '#schemas/tables/table.ts';

/** An event as its contract names it, with where it stood in the log. */
export interface StoredEvent {
  readonly offset: number;
  readonly timeMs: number;
  readonly event: Record<string, unknown>;
}

/** Expressions that read a table's rows back as the events they were made from. */
export function eventColumns(table: HistoryTable): string {
  const fields = Object.entries(table.contract.fields).map(([name, field]) => {
    const column = columnName(name);
    return `${field.type === 'long' && field.logical ? `toUnixTimestamp64Milli(${column})` : column} AS f_${name}`;
  });
  return fields.join(', ');
}

/** The events of one partition from an offset on, in log order, at most `limit`. */
export async function eventsFrom(warehouse: Warehouse, table: HistoryTable, partition: number, from: number, limit: number): Promise<StoredEvent[]> {
  const rows = await warehouse.query<Record<string, unknown>>(
    `SELECT log_offset, ${eventColumns(table)} FROM ${table.name} WHERE log_partition = ${partition} AND log_offset >= ${from} ORDER BY log_offset LIMIT ${limit}`,
  );
  return rows.map((row) => eventOf(table, row));
}

export function eventOf(table: HistoryTable, row: Record<string, unknown>): StoredEvent {
  const event = Object.fromEntries(Object.keys(table.contract.fields).map((name) => [name, row[`f_${name}`]]));
  return { offset: Number(row['log_offset'] ?? 0), timeMs: Number(event[table.contract.time]), event };
}
