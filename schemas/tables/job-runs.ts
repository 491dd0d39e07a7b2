/** One row for each run of a job. */
export const jobRunsTable = `CREATE TABLE IF NOT EXISTS job_runs
  (job LowCardinality(String), hour DateTime('UTC'), started_at DateTime64(3, 'UTC'), seconds Float64, status LowCardinality(String),
   fence UInt64, inputs Array(String), outputs Array(String), rows UInt64, results Map(String, Float64), error String, version String)
  ENGINE = MergeTree ORDER BY (job, hour, started_at)`;
