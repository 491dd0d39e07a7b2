import type { Blobs } from '#infra/blobs/blobs.ts';
import { ForyouError } from '#infra/errors.ts';
import type { Lease } from '#infra/lease/lease.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { jobRunsTable } from '#schemas/tables/job-runs.ts';

/** A job is a value. It is idempotent per logical hour: a second run of an hour changes nothing. */
export interface Job<P> {
  readonly name: string;
  readonly doc: string;
  /** Cron expression, UTC. */
  readonly schedule: string;
  /** What it reads and what it leaves, by name: tables, folders of the object store, artifacts. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Returns what it found or made, as numbers by name; `rows` is how much it worked on. */
  readonly run: (ports: P, run: JobRun) => Promise<Readonly<Record<string, number>>>;
}

/** One run of a job. */
export interface JobRun {
  /** The logical hour; what the run makes belongs to it. */
  readonly hour: Date;
  /** Say what would be made, make nothing. */
  readonly dryRun: boolean;
  /** Grows with each run of the job, see `Held`. */
  readonly fence: number;
  /** Throws `fenced` when the lease was lost and `interrupted` when the run shall end: to be called before anything is published. */
  readonly check: () => void;
  readonly progress: Progress;
}
/** `done` of `total`, and what is going on. Given to a job, it throws `interrupted` when the run shall end and more is to be done. */
export type Progress = (what: string, done: number, total: number) => void;

export interface JobPorts {
  readonly warehouse: Warehouse;
  readonly lease: Lease;
  readonly blobs: Blobs;
  /** How long a job that died silently keeps others out; a minute when left out. */
  readonly leaseMs?: number;
}

export interface RunOptions {
  readonly hour: Date;
  readonly dryRun?: boolean;
  readonly progress?: Progress;
  /** Version of the code, for the run's row. */
  readonly version?: string;
  /** Ends the run at its next step; what it has made stays, and nothing half-made is seen. */
  readonly signal?: AbortSignal;
}

const hourMs = 3_600_000;
export const logicalHour = (nowMs: number): Date => new Date(Math.floor(nowMs / hourMs) * hourMs);
/** The hours of [from, to), oldest first. */
export const hoursBetween = (from: Date, to: Date): Date[] => {
  const first = logicalHour(from.getTime()).getTime();
  return Array.from({ length: Math.max(0, Math.ceil((to.getTime() - first) / hourMs)) }, (_, i) => new Date(first + i * hourMs));
};

/** Runs a job once under its lease, and writes down how it went. Null when another holder runs it. */
export async function runJob<P extends JobPorts>(job: Job<P>, ports: P, options: RunOptions): Promise<Readonly<Record<string, number>> | null> {
  const { leaseMs = 60_000 } = ports;
  const held = await ports.lease.acquire(`job:${job.name}`, leaseMs);
  if (!held) return null;
  let lost = false;
  const renewal = setInterval(() => {
    held.renew(leaseMs).then(
      (mine) => {
        lost ||= !mine;
      },
      // A store that is away for a moment takes nothing; once the time ran out the next renewal says so.
      () => {},
    );
  }, leaseMs / 4);
  const goesOn = () => {
    if (options.signal?.aborted) throw new ForyouError('interrupted', `${job.name} was asked to end`, { fix: 'run it again: it goes on from what is there' });
  };
  const run: JobRun = {
    hour: options.hour,
    dryRun: options.dryRun ?? false,
    fence: held.fence,
    progress(what, done, total) {
      options.progress?.(what, done, total);
      if (done < total) goesOn();
    },
    check() {
      goesOn();
      if (lost) throw new ForyouError('fenced', `${job.name} lost its lease: another run has begun`, { fix: 'let that one finish' });
    },
  };
  try {
    return await recorded(job, ports, run, options.version ?? '');
  } finally {
    clearInterval(renewal);
    await held.release().catch(() => {});
  }
}

async function recorded<P extends JobPorts>(job: Job<P>, ports: P, run: JobRun, version: string): Promise<Readonly<Record<string, number>>> {
  const startedAt = Date.now();
  const note = (status: string, results: Readonly<Record<string, number>>, error: string) =>
    run.dryRun
      ? Promise.resolve()
      : ports.warehouse.insertRows('job_runs', [
          {
            job: job.name,
            hour: Math.floor(run.hour.getTime() / 1000),
            started_at: new Date(startedAt).toISOString().slice(0, 23),
            seconds: (Date.now() - startedAt) / 1000,
            status,
            fence: run.fence,
            inputs: job.inputs,
            outputs: job.outputs,
            rows: results['rows'] ?? 0,
            results,
            error,
            version,
          },
        ]);
  await ports.warehouse.command(jobRunsTable);
  try {
    const results = await job.run(ports, run);
    await note('done', results, '');
    return results;
  } catch (error) {
    const status = error instanceof ForyouError && error.code === 'interrupted' ? 'interrupted' : 'failed';
    await note(status, {}, String(error).slice(0, 2_000)).catch(() => {});
    throw error;
  }
}
