import { decaySql } from '#schemas/features/sql.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';

/** Feature rows to join: any table with the entity, `event_timestamp` and `created_timestamp`. */
export interface FeatureSource {
  /** Prefix of the joined columns, `<name>__<column>`. */
  readonly name: string;
  /** SQL of the rows: a table, or a table function over files. */
  readonly rows: string;
  /** Column that names the entity, here and in the labels. */
  readonly entity: string;
  readonly columns: readonly string[];
  /** Set for a view: its sums are read as of the label's moment, as serving reads them, and not as of the snapshot's. */
  readonly view?: AnyPackedView;
}

const nanoseconds = (time: string): string => `toInt128(toUnixTimestamp64Nano(toDateTime64(${time}, 9, 'UTC')))`;
/** Larger than any creation time in nanoseconds: time and creation in one number, in that order. */
const scale = 'toInt128(9223372036854775807)';
const rowKey = `${nanoseconds('event_timestamp')} * ${scale} + ${nanoseconds('created_timestamp')}`;
const labelKey = `${nanoseconds('event_timestamp')} * ${scale} + (${scale} - 1)`;

/**
 * Point-in-time join: for each label the newest feature row of its entity that is not later than the
 * label's `event_timestamp`; of rows of one moment the one that was created last. No value comes from
 * later than its label; an entity without a row reads as 0.
 *
 * The set work is ClickHouse's ASOF JOIN, over one number made of both times, so that nothing is grouped
 * first. Labels stream through; only the feature side is held in memory, so that memory does not grow
 * with the number of labels.
 */
export function pointInTimeSql(labels: string, sources: readonly FeatureSource[]): string {
  const joins = sources.map((s, i) => {
    const rows = `SELECT ${s.entity} AS entity, event_timestamp AS at, ${rowKey} AS key, ${s.columns.join(', ')} FROM ${s.rows}`;
    return `ASOF LEFT JOIN (${rows}) AS f${i} ON labels.${s.entity} = f${i}.entity AND labels.label_key >= f${i}.key`;
  });
  const columns = sources.flatMap((s, i) => s.columns.map((name) => `${valueSql(s, i, name)} AS ${s.name}__${name}`));
  return `SELECT labels.* EXCEPT (label_key), ${columns.join(', ')} FROM (SELECT *, ${labelKey} AS label_key FROM ${labels}) AS labels ${joins.join(' ')}`;
}

/**
 * Settings of the statement that writes a join as Parquet: few rows wait in memory for their file, and labels are read
 * as fast as they are joined. Left alone, the reader runs ahead and holds the rest of the file.
 */
export const joinSettings = [
  'output_format_parquet_row_group_size = 65536',
  's3_max_inflight_parts_for_one_file = 4',
  's3_strict_upload_part_size = 8388608',
  'input_format_parquet_memory_low_watermark = 1048576',
  'input_format_parquet_memory_high_watermark = 16777216',
  'max_parsing_threads = 2',
  // Training reads whole columns: an index of pages and filters of values would only be written.
  'output_format_parquet_write_page_index = 0',
  'output_format_parquet_write_bloom_filter = 0',
].join(', ');

function valueSql({ view }: FeatureSource, i: number, name: string): string {
  const column = view?.columns[name];
  if (column?.aggregate !== 'decayedSum') return `f${i}.${name}`;
  return `f${i}.${name} * ${decaySql(`toUnixTimestamp64Milli(f${i}.at)`, "toUnixTimestamp64Milli(toDateTime64(labels.event_timestamp, 3, 'UTC'))", column.halfLifeMs)}`;
}
