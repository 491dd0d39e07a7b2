import { columnName } from '../tables/table.ts';
import type { AnyPackedView, AnyView } from './view.ts';

/**
 * The interpreter of packed views over whole tables. A state is one row per entity: `entity`, each decayed
 * sum expressed at one moment, each last write with the time it was written at (`<column>_at`). States of
 * disjoint sets of events merge by `mergedStateSql`, because the aggregates are monoids.
 */
export const entityColumn = (view: AnyView): string => {
  if (typeof view.entity === 'object') throw new TypeError(`view ${view.name} has one entity for all: it has no rows by entity`);
  return columnName(view.entity);
};

const msOf = (time: string): string => `toUnixTimestamp64Milli(${time})`;

/** Factor by which a sum of one moment becomes a sum of another; both are SQL for milliseconds. */
export const decaySql = (fromMs: string, toMs: string, halfLifeMs: number): string =>
  halfLifeMs === Number.POSITIVE_INFINITY ? '1' : `exp2((${fromMs} - ${toMs}) / ${halfLifeMs})`;

/** What single rows of a history table add to a view, as states of one event each, expressed at `atMs`. */
export function contributionsSql(view: AnyPackedView, table: string, time: string, atMs: number, where: string, changed: string): string {
  const columns = Object.entries(view.columns).flatMap(([name, column]) =>
    column.aggregate === 'decayedSum'
      ? [`toFloat64(${column.value.sql}) * ${decaySql(msOf(time), String(atMs), column.halfLifeMs)} AS ${name}`]
      : [`toFloat64(${column.value.sql}) AS ${name}`, `${msOf(time)} AS ${name}_at`],
  );
  return `SELECT ${entityColumn(view)} AS entity, ${columns.join(', ')}, toUInt8(${changed}) AS changed FROM ${table} WHERE ${entityColumn(view)} != '' AND ${where}`;
}

/** States of one moment, read as states of a later one. */
export function agedStateSql(view: AnyPackedView, source: string, fromMs: number, toMs: number): string {
  const columns = Object.entries(view.columns).flatMap(([name, column]) =>
    column.aggregate === 'decayedSum' ? [`${name} * ${decaySql(String(fromMs), String(toMs), column.halfLifeMs)} AS ${name}`] : [name, `${name}_at`],
  );
  return `SELECT entity, ${columns.join(', ')}, toUInt8(0) AS changed FROM ${source}`;
}

/** One state per entity from any number of them, all expressed at one moment. */
export function mergedStateSql(view: AnyPackedView, states: readonly string[]): string {
  const columns = Object.entries(view.columns).flatMap(([name, column]) =>
    column.aggregate === 'decayedSum'
      ? [`sum(s.${name}) AS ${name}`]
      : // The latest write; a tie goes to the larger value.
        [`tupleElement(max(tuple(s.${name}_at, s.${name})), 2) AS ${name}`, `max(s.${name}_at) AS ${name}_at`],
  );
  return `SELECT entity, ${columns.join(', ')}, max(s.changed) AS changed FROM (${states.join(' UNION ALL ')}) AS s GROUP BY entity`;
}

/** Names and types of a state's columns in files. */
export const stateStructure = (view: AnyPackedView): string =>
  [
    'entity String',
    ...Object.entries(view.columns).flatMap(([name, c]) => (c.aggregate === 'decayedSum' ? [`${name} Float64`] : [`${name} Float64`, `${name}_at Int64`])),
    'changed UInt8',
  ].join(', ');
