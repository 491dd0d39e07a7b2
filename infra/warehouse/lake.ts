import type { Config } from '../config.ts';

/** Parquet in the object store, as the warehouse reads and writes it. */
export interface Lake {
  /**
   * The SQL of a table function over the objects of `key` (wildcards allowed when reading).
   * `structure` gives names and SQL types, so that values come back as the types they left as.
   */
  location(bucket: string, key: string, structure?: string): string;
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** The warehouse speaks to the store itself: rows do not pass through Node. */
export const s3Lake = ({ endpoint, accessKey, secretKey }: Config['s3']): Lake => ({
  location: (bucket, key, structure) =>
    `s3(${[`${endpoint}/${bucket}/${key}`, accessKey, secretKey, 'Parquet', ...(structure ? [structure] : [])].map(quoted).join(', ')})`,
});
