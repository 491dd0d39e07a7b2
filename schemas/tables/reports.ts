/** A metric of one arm of one experiment over the day before the hour's end, with its 95 % confidence interval. */
export const armMetricsTable = `CREATE TABLE IF NOT EXISTS arm_metrics
  (hour DateTime('UTC'), experiment LowCardinality(String), arm LowCardinality(String), metric LowCardinality(String),
   viewers UInt64, value Float64, low Float64, high Float64)
  ENGINE = ReplacingMergeTree ORDER BY (hour, experiment, arm, metric)`;

/** How exposure is shared out over the day before the hour's end: by group of a dimension. */
export const exposureReportTable = `CREATE TABLE IF NOT EXISTS exposure_report
  (hour DateTime('UTC'), dimension LowCardinality(String), group String, impressions UInt64, share Float64, catalogue_share Float64,
   completion_rate Float64, predicted Float64, calibration Float64)
  ENGINE = ReplacingMergeTree ORDER BY (hour, dimension, group)`;

/** How concentrated the feed is: Gini coefficients of impressions over videos and creators, and how much of the catalogue was shown. */
export const concentrationTable = `CREATE TABLE IF NOT EXISTS feed_concentration
  (hour DateTime('UTC'), over LowCardinality(String), gini Float64, shown UInt64, catalogue UInt64)
  ENGINE = ReplacingMergeTree ORDER BY (hour, over)`;

/** What the slots of the feed drew over the day before the hour's end brought, and what another policy would have brought there. */
export const offPolicyTable = `CREATE TABLE IF NOT EXISTS off_policy
  (hour DateTime('UTC'), slot LowCardinality(String), policy LowCardinality(String), reward LowCardinality(String), estimator LowCardinality(String),
   decisions UInt64, effective Float64, value Float64, low Float64, high Float64)
  ENGINE = ReplacingMergeTree ORDER BY (hour, slot, policy, reward, estimator)`;
