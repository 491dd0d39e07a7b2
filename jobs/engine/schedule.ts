import { createTask, schedule } from 'node-cron';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { jobRunsTable } from '#schemas/tables/job-runs.ts';
import { type Job, type JobPorts, logicalHour, runJob } from './job.ts';

/** Runs every job on its schedule; a failed run is reported and the schedule goes on. `stop` has running jobs end at their next step and waits for them. */
export function runSchedule<P extends JobPorts>(
  jobs: readonly Job<P>[],
  ports: P,
  version: string,
  report: (job: string, outcome: unknown) => void,
): { stop(): Promise<void> } {
  const ending = new AbortController();
  const running = new Set<Promise<void>>();
  const runNow = (job: Job<P>): Promise<void> => {
    const run = runJob(job, ports, { hour: logicalHour(Date.now()), version, signal: ending.signal }).then(
      (results) => report(job.name, results),
      (error) => report(job.name, error),
    );
    running.add(run);
    return run.finally(() => running.delete(run));
  };
  const tasks = jobs.filter((job) => job.schedule !== '').map((job) => schedule(job.schedule, () => runNow(job), { timezone: 'UTC', noOverlap: true }));
  return {
    async stop() {
      ending.abort();
      await Promise.all(tasks.map((task) => task.destroy()));
      await Promise.all(running);
    },
  };
}

export interface JobStatus {
  readonly job: string;
  readonly schedule: string;
  readonly next: string;
  readonly lastRun: string;
  readonly status: string;
  readonly seconds: number;
  readonly rows: number;
  /** No run ended well for longer than the time between two runs and half of it again, counted from the first run of any job at the earliest. */
  readonly late: boolean;
  readonly doc: string;
}

/** The schedule, the last run of each job and what is late. */
export async function jobStatus(jobs: readonly Job<never>[], warehouse: Warehouse, nowMs: number): Promise<JobStatus[]> {
  await warehouse.command(jobRunsTable);
  type Row = { job: string; started: number; status: string; seconds: number; rows: number; lastDone: number };
  const rows = await warehouse.query<Row>(
    `SELECT job, toUnixTimestamp64Milli(max(started_at)) AS started, argMax(r.status, started_at) AS status, argMax(r.seconds, started_at) AS seconds,
      argMax(r.rows, started_at) AS rows, toUnixTimestamp64Milli(maxIf(started_at, r.status = 'done')) AS lastDone FROM job_runs AS r GROUP BY job`,
  );
  // What has just been set up is not late with what it was never there for.
  const [first] = await warehouse.query<{ ms: number }>('SELECT toUnixTimestamp64Milli(min(started_at)) AS ms FROM job_runs HAVING count() > 0');
  const since = first?.ms ?? nowMs;
  const iso = (ms: number) => new Date(ms).toISOString().slice(0, 19);
  return jobs.map((job) => {
    const row = rows.find((r) => r.job === job.name);
    const [next, afterNext] = job.schedule === '' ? [0, Number.POSITIVE_INFINITY] : nextRuns(job.schedule);
    return {
      job: job.name,
      schedule: job.schedule || 'when asked',
      next: next === 0 ? '' : iso(next),
      lastRun: row ? iso(row.started) : 'never',
      status: row?.status ?? '',
      seconds: row?.seconds ?? 0,
      rows: row?.rows ?? 0,
      late: next > 0 && nowMs - Math.max(since, row?.lastDone ?? 0) > 1.5 * (afterNext - next),
      doc: job.doc,
    };
  });
}

function nextRuns(cron: string): [next: number, afterNext: number] {
  const task = createTask(cron, () => {}, { timezone: 'UTC' });
  const [next, afterNext] = task.getNextRuns(2).map((date) => date.getTime());
  void task.destroy();
  return [next ?? 0, afterNext ?? 0];
}
