import { entityColumn } from '#schemas/features/sql.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';

/** Where one view's Parquet lies for the repository: a file or a folder. */
export interface FeastSource {
  readonly view: AnyPackedView;
  readonly path: string;
}

const python = (text: string): string => JSON.stringify(text);

/** A Feast repository that reads our snapshots as they are: `feature_store.yaml` and the definitions. */
export function feastRepository(sources: readonly FeastSource[]): { readonly 'feature_store.yaml': string; readonly 'definitions.py': string } {
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
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
    ),
)`,
  )
  .join('\n\n')}
`,
  };
}
