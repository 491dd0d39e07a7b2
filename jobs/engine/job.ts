import { schedule } from 'node-cron';
import type { Lease } from '#infra/lease/lease.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';

/** A job is a value. It is idempotent per logical hour: a second run of an hour changes nothing. */
export interface Job<P> {
  readonly name: string;
  readonly doc: string;
  /** Cron expression, UTC. */
  readonly schedule: string;
  /** Returns what it found or made, as numbers by name. */
  readonly run: (ports: P, hour: Date) => Promise<Readonly<Record<string, number>>>;
}

export interface JobPorts {
  readonly warehouse: Warehouse;
  readonly lease: Lease;
}

export const jobRunsTable = `CREATE TABLE IF NOT EXISTS job_runs
  (job LowCardinality(String), hour DateTime('UTC'), started_at DateTime64(3, 'UTC'), seconds Float64, status LowCardinality(String), results Map(String, Float64), error String)
  ENGINE = MergeTree ORDER BY (job, hour, started_at)`;

const leaseMs = 10 * 60_000;
export const logicalHour = (nowMs: number): Date => new Date(Math.floor(nowMs / 3_600_000) * 3_600_000);

/** Runs a job once under its lease, and writes down how it went. Null when another holder runs it. */
export async function runJob<P extends JobPorts>(job: Job<P>, ports: P, hour: Date): Promise<Readonly<Record<string, number>> | null> {
  const release = await ports.lease.acquire(`job:${job.name}`, leaseMs);
  if (!release) return null;
  const startedAt = Date.now();
  const row = { job: job.name, hour: Math.floor(hour.getTime() / 1000), started_at: new Date(startedAt).toISOString().slice(0, 23) };
  const seconds = () => (Date.now() - startedAt) / 1000;
  try {
    await ports.warehouse.command(jobRunsTable);
    const results = await job.run(ports, hour);
    await ports.warehouse.insertRows('job_runs', [{ ...row, seconds: seconds(), status: 'done', results, error: '' }]);
    return results;
  } catch (error) {
    await ports.warehouse
      .insertRows('job_runs', [{ ...row, seconds: seconds(), status: 'failed', results: {}, error: String(error).slice(0, 2_000) }])
      .catch(() => {});
    throw error;
  } finally {
    await release();
  }
}

/** Runs every job on its schedule until stopped; a failed run is reported and the schedule goes on. */
export function runSchedule<P extends JobPorts>(jobs: readonly Job<P>[], ports: P, report: (job: string, outcome: unknown) => void): { stop(): Promise<void> } {
  const tasks = jobs.map((job) =>
    schedule(
      job.schedule,
      () =>
        runJob(job, ports, logicalHour(Date.now())).then(
          (results) => report(job.name, results),
          (error) => report(job.name, error),
        ),
      { timezone: 'UTC', noOverlap: true },
    ),
  );
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.destroy()));
    },
  };
}
