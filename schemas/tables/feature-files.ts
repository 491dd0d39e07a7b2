import { entityColumn } from '../features/sql.ts';
import { type AnyPackedView, fingerprint } from '../features/view.ts';
import { creatorView, userView, videoView } from '../features/views/engagement.ts';
import { partition } from './lake.ts';

/**
 * Hourly snapshots of features in the object store, for training: `<view>/dt=/hour=/part-N.parquet` with
 * the entity, `event_timestamp` (the hour's end: the value knows events before it), `created_timestamp`
 * and one column per feature, as Feast, pandas, DuckDB and Spark read them. A corrected hour gets another
 * part with a later `created_timestamp`.
 */
export const featureBucket = 'foryou-features';

/** Views with a row per entity; the others are lists. */
export const snapshotViews: readonly AnyPackedView[] = [videoView, userView, creatorView];

const versioned = (view: AnyPackedView): string => `${view.name}-${fingerprint(view).toString(16)}`;
export const snapshotKey = (view: AnyPackedView, hour: Date, part: number): string => `${versioned(view)}/${partition(hour)}/part-${part}.parquet`;
/** All parts of all hours, as a wildcard. */
export const snapshotFiles = (view: AnyPackedView): string => `${versioned(view)}/**/*.parquet`;
export const snapshotPrefix = (view: AnyPackedView): string => `${versioned(view)}/`;
/** What the next hour starts from: the state of every entity, not only of those that changed. */
export const statePrefix = (view: AnyPackedView): string => `_states/${versioned(view)}/`;
export const stateKey = (view: AnyPackedView, hour: Date, part: number): string => `_states/${versioned(view)}/${partition(hour)}-${part}.parquet`;
export const snapshotManifestPrefix = (view: AnyPackedView): string => `_manifests/${versioned(view)}/`;
export const snapshotManifestKey = (view: AnyPackedView, hour: Date): string => `${snapshotManifestPrefix(view)}${partition(hour)}.json`;

/** What an hour's snapshot was made from. Written last: what it does not name does not count. */
export interface SnapshotManifest {
  readonly hour: string;
  /** Events before the hour's end, in all of history, when it was made: another number now means late events. */
  readonly events: number;
  readonly parts: number;
  readonly rows: number;
}

export const snapshotStructure = (view: AnyPackedView): string =>
  [
    `${entityColumn(view)} String`,
    "event_timestamp DateTime64(3, 'UTC')",
    "created_timestamp DateTime64(3, 'UTC')",
    ...Object.keys(view.columns).map((name) => `${name} Float64`),
  ].join(', ');
