import { connect, disconnect } from '#infra/adapters.ts';
import type { Config } from '#infra/config.ts';
import { ForyouError } from '#infra/errors.ts';
import { RedisLease } from '#infra/lease/lease.ts';
import { startEndpoint } from '#infra/telemetry/endpoint.ts';
import { logicalHour, runJob, runSchedule } from './engine/job.ts';
import { reconcile } from './reconcile.ts';

export const jobs = [reconcile];

/** Runs one job now, for the hour given or the current one. */
export async function runNamedJob(config: Config, name: string, hour: Date = logicalHour(Date.now())): Promise<Readonly<Record<string, number>>> {
  const job = jobs.find((j) => j.name === name);
  if (!job) throw new ForyouError('input-invalid', `there is no job "${name}"`, { fix: `choose one of: ${jobs.map((j) => j.name).join(', ')}` });
  const adapters = connect(config, 'foryou-job');
  try {
    const results = await runJob(job, { ...adapters, lease: new RedisLease(adapters.online.client) }, hour);
    if (!results) throw new ForyouError('unavailable', `${name} runs elsewhere now`, { fix: 'wait for it to end' });
    return results;
  } finally {
    await disconnect(adapters);
  }
}

/** The scheduler process. */
export async function runScheduler(config: Config): Promise<{ stop(): Promise<void> }> {
  const adapters = connect(config, 'foryou-jobs');
  const endpoint = await startEndpoint(adapters.telemetry, config.host, config.ports.jobs);
  const running = runSchedule(jobs, { ...adapters, lease: new RedisLease(adapters.online.client) }, (job, outcome) => {
    adapters.telemetry.count('foryou_job_runs_total', { job, outcome: outcome instanceof Error ? 'failed' : outcome ? 'done' : 'elsewhere' });
    console.log(JSON.stringify({ job, at: new Date().toISOString(), outcome: outcome instanceof Error ? String(outcome) : outcome }));
  });
  return {
    async stop() {
      await running.stop();
      await endpoint.stop();
      await disconnect(adapters);
    },
  };
}
