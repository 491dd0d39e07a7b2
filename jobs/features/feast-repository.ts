import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Blobs } from '#infra/blobs/blobs.ts';
import { ForyouError } from '#infra/errors.ts';
import { entityColumn } from '#schemas/features/sql.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';
import { featureBucket, snapshotPrefix, snapshotViews } from '#schemas/tables/feature-files.ts';

/** Where one view's Parquet lies: a wildcard. */
interface FeastSource {
  readonly view: AnyPackedView;
  readonly path: string;
}

const python = (text: string): string => JSON.stringify(text);

/** A Feast repository that reads our snapshots as they are: `feature_store.yaml` and the definitions. */
function feastRepository(sources: readonly FeastSource[]): { readonly 'feature_store.yaml': string; readonly 'definitions.py': string } {
  const entities = [...new Set(sources.map(({ view }) => entityColumn(view)))];
  return {
    'feature_store.yaml': `project: foryou
registry: registry.db
provider: local
online_store:
  type: sqlite
  path: online.db
offline_store:
  type: duckdb
entity_key_serialization_version: 3
`,
    'definitions.py': `# Written by "foryou features feast". The views are the platform's own; change them there.
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Float64

${entities.map((e) => `${e} = Entity(name=${python(e)}, join_keys=[${python(e)}], value_type=ValueType.STRING)`).join('\n')}

${sources
  .map(
    ({ view, path }) => `${view.name} = FeatureView(
    name=${python(view.name)},
    description=${python(view.doc)},
    entities=[${entityColumn(view)}],
    ttl=timedelta(days=3650),
    schema=[
${Object.keys(view.columns)
  .map((name) => `        Field(name=${python(name)}, dtype=Float64),`)
  .join('\n')}
    ],
    source=FileSource(
        name=${python(`${view.name}_snapshots`)},
        path=${python(path)},
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
    ),
)`,
  )
  .join('\n\n')}
`,
  };
}

/** Writes a Feast repository over a copy of the snapshots into a folder. Returns the number of Parquet files. */
export async function writeFeastRepository(blobs: Blobs, directory: string): Promise<number> {
  let files = 0;
  for (const view of snapshotViews)
    for (const key of await blobs.list(featureBucket, snapshotPrefix(view))) {
      // One flat folder per view: the hours are in the rows.
      const file = join(directory, 'data', view.name, key.slice(snapshotPrefix(view).length).replaceAll('/', '_'));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, (await blobs.get(featureBucket, key)) ?? Buffer.alloc(0));
      files++;
    }
  if (files === 0) throw new ForyouError('input-invalid', 'there are no feature snapshots yet', { fix: 'run foryou job offline-features first' });
  const sources = snapshotViews.map((view) => ({ view, path: resolve(directory, 'data', view.name, '*.parquet') }));
  for (const [name, text] of Object.entries(feastRepository(sources))) await writeFile(join(directory, name), text);
  return files;
}
