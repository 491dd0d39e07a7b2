import { execFileSync } from 'node:child_process';
import { connect, disconnect } from '#infra/adapters.ts';
import { ArtifactStore } from '#infra/artifacts/store.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { uploadsOf } from '#infra/blobs/s3-uploads.ts';
import { systemClock } from '#infra/clock/clock.ts';
import { type Config, repoRoot } from '#infra/config.ts';
import { ForyouError } from '#infra/errors.ts';
import { MatMul } from '#infra/inference/matmul.ts';
import { OnnxRuntime } from '#infra/inference/onnx-runtime.ts';
import { RedisLease } from '#infra/lease/lease.ts';
import { startEndpoint } from '#infra/telemetry/endpoint.ts';
import { s3Lake } from '#infra/warehouse/lake.ts';
import { sweepArtifacts } from './artifacts/sweep-artifacts.ts';
import { type Job, logicalHour, type Progress, runJob } from './engine/job.ts';
import { jobStatus, runSchedule } from './engine/schedule.ts';
import { experimentReport } from './experiments/experiment-report.ts';
import { exposureReport } from './experiments/exposure-report.ts';
import { offPolicyReport } from './experiments/off-policy-report.ts';
import { offlineFeatures } from './features/offline-features.ts';
import { exportEvents } from './history/export-events.ts';
import { rebuildOnline } from './history/rebuild-online.ts';
import { restoreEvents } from './history/restore-events.ts';
import { buildContentIndex } from './index/build-content-index.ts';
import { buildIndex } from './index/build-index.ts';
import { sweepUploads } from './media/sweep-uploads.ts';
import { addRanker, trainRanker } from './ranker/train-ranker.ts';
import { reconcile } from './reconcile.ts';
import { cdnTiers } from './tiers/cdn-tiers.ts';
import { skewCheck } from './training/skew-check.ts';
import { trainingSet } from './training/training-set.ts';
import { trainVectors } from './vectors/train-vectors.ts';

/** Everything that jobs are given. */
export const jobPorts = (config: Config, clientId: string) => {
  const adapters = connect(config, clientId);
  const blobs = new S3Blobs(config.s3);
  return {
    ...adapters,
    lease: new RedisLease(adapters.online.client),
    blobs,
    uploads: uploadsOf(config),
    clock: systemClock,
    lake: s3Lake(config.s3),
    artifacts: new ArtifactStore(blobs),
    inference: new OnnxRuntime(),
    matmul: () => MatMul.load(new OnnxRuntime()),
    leaseMs: config.jobLeaseMs,
    horizonMs: config.trainingHorizonMs,
    code: codeVersion(),
  };
};
export type AllPorts = ReturnType<typeof jobPorts>;

/** In the order in which one uses what the other made. Those without a schedule run when a person asks. */
export const jobs: readonly Job<AllPorts>[] = [
  exportEvents,
  offlineFeatures,
  reconcile,
  trainVectors,
  buildIndex,
  buildContentIndex,
  trainingSet,
  skewCheck,
  experimentReport,
  exposureReport,
  offPolicyReport,
  cdnTiers,
  sweepUploads,
  sweepArtifacts,
  trainRanker,
  restoreEvents,
  rebuildOnline,
];

/** Version of the code, for the rows of runs. */
function codeVersion(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: repoRoot, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

export interface NamedRun {
  /** Logical hours, oldest first; the current one when left out. */
  readonly hours?: readonly Date[];
  readonly dryRun?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Runs one job now, for each hour asked for; results of several hours add up. */
export async function runNamedJob(config: Config, name: string, options: NamedRun = {}): Promise<Readonly<Record<string, number>>> {
  const job = jobs.find((j) => j.name === name);
  if (!job) throw new ForyouError('input-invalid', `there is no job "${name}"`, { fix: `choose one of: ${jobs.map((j) => j.name).join(', ')}` });
  const ports = jobPorts(config, 'foryou-job');
  const total: Record<string, number> = {};
  try {
    for (const hour of options.hours ?? [logicalHour(Date.now())]) {
      const results = await runJob(job, ports, {
        hour,
        version: ports.code,
        ...(options.dryRun ? { dryRun: true } : {}),
        ...(options.progress ? { progress: options.progress } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
      });
      if (!results) throw new ForyouError('unavailable', `${name} runs elsewhere now`, { fix: 'wait for it to end' });
      for (const [key, value] of Object.entries(results)) total[key] = (total[key] ?? 0) + value;
    }
    return total;
  } finally {
    await disconnect(ports);
  }
}

/** Takes in a ranker that was made elsewhere, as a run of its own job would. */
export async function addModel(config: Config, bytes: Buffer): ReturnType<typeof addRanker> {
  const ports = jobPorts(config, 'foryou-job');
  try {
    const held = await ports.lease.acquire(`job:${trainRanker.name}`, 600_000);
    if (!held) throw new ForyouError('unavailable', `${trainRanker.name} runs now`, { fix: 'wait for it to end' });
    return await addRanker(ports, bytes, { hour: logicalHour(Date.now()), fence: held.fence }).finally(() => held.release());
  } finally {
    await disconnect(ports);
  }
}

/** The schedule with the last runs, and what is late at a moment. */
export async function listJobs(config: Config, nowMs = Date.now()) {
  const ports = jobPorts(config, 'foryou-jobs');
  return jobStatus(jobs, ports.warehouse, nowMs).finally(() => disconnect(ports));
}

/** The scheduler process. */
export async function runScheduler(config: Config): Promise<{ stop(): Promise<void> }> {
  const ports = jobPorts(config, 'foryou-jobs');
  const endpoint = await startEndpoint(ports.telemetry, config.host, config.ports.jobs);
  const running = runSchedule(jobs, ports, ports.code, (job, outcome) => {
    ports.telemetry.count('foryou_job_runs_total', { job, outcome: outcome instanceof Error ? 'failed' : outcome ? 'done' : 'elsewhere' });
    console.log(JSON.stringify({ job, at: new Date().toISOString(), outcome: outcome instanceof Error ? String(outcome) : outcome }));
  });
  return {
    async stop() {
      await running.stop();
      await endpoint.stop();
      await disconnect(ports);
    },
  };
}
