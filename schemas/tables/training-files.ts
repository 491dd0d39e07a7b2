import { type Outcome, outcomes } from '../artifacts/ranker.ts';
import { baseFeatures } from '../features/ranking.ts';
import { partition } from './lake.ts';
import { columnName } from './table.ts';

/**
 * Served impressions with the features as they were logged and what happened after them, in the object
 * store: `impressions/dt=/hour=/part-N.parquet`, by the hour in which they were served. A set is a
 * window of such hours with a moment that parts training from validation, and a report.
 */
export const trainingBucket = 'foryou-training';

export const impressionsKey = (hour: Date, part: number): string => `impressions/${partition(hour)}/part-${part}.parquet`;
export const impressionsManifestKey = (hour: Date): string => `_manifests/impressions/${partition(hour)}.json`;
export const impressionsManifestPrefix = '_manifests/impressions/';
export const setKey = (hour: Date): string => `sets/${partition(hour)}.json`;
export const setPrefix = 'sets/';

export interface ImpressionsManifest {
  readonly hour: string;
  /** Impressions served before this moment (epoch milliseconds) are in the parts; their horizon was over. */
  readonly untilMs: number;
  readonly horizonMs: number;
  readonly parts: readonly string[];
  readonly rows: number;
  /** Served, but neither watched nor followed by something of the same response that was: nobody can say of what they are examples. */
  readonly notReached: number;
}

/** Columns of outcomes and features in the files: names that need no quotes anywhere. */
export const outcomeColumn = (outcome: Outcome): string => `y_${columnName(outcome)}`;
export const featureColumn = (feature: string): string => `f_${columnName(feature).replaceAll(/[.-]/g, '_')}`;

export const impressionsStructure: string = [
  'request_id String',
  'user_id String',
  'video_id String',
  'position Int32',
  "served_at DateTime64(3, 'UTC')",
  'arm String',
  'scorer String',
  // What the scorer said: a later one is held against it.
  'score Float32',
  'index_version String',
  'feature_version String',
  // watched, or passed: not watched, though something later in the same response was.
  'exposure String',
  ...outcomes.map((o) => `${outcomeColumn(o)} Float32`),
  ...baseFeatures.map((f) => `${featureColumn(f)} Float32`),
].join(', ');

/** What is known of one feature in a set; the edges let the next set say how far it moved. */
export interface FeatureReport {
  readonly mean: number;
  /** Share of rows in which it is not 0. */
  readonly coverage: number;
  readonly edges: readonly number[];
  /** Share of rows up to each edge and above the last. */
  readonly shares: readonly number[];
  /** Population stability index against the previous set: under 0.1 nothing moved, over 0.25 much did; null without one. */
  readonly drift: number | null;
}

export interface TrainingSet {
  readonly hour: string;
  readonly horizonMs: number;
  readonly parts: readonly string[];
  /** Impressions served before this moment train, the others validate. */
  readonly cutMs: number;
  readonly rows: { readonly train: number; readonly validation: number; readonly passed: number; readonly notReached: number };
  readonly arms: Readonly<Record<string, number>>;
  readonly labelRates: Readonly<Record<string, { readonly train: number; readonly validation: number }>>;
  readonly features: Readonly<Record<string, FeatureReport>>;
}

/** One row for each feature and hour: how far what was logged lies from what history gives. */
export const skewTable = `CREATE TABLE IF NOT EXISTS feature_skew
  (hour DateTime('UTC'), feature LowCardinality(String), rows UInt64, logged Float64, difference Float64, differing Float64, checked_at DateTime64(3, 'UTC'))
  ENGINE = ReplacingMergeTree(checked_at) ORDER BY (hour, feature)`;
