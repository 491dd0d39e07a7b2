import { type Command, InvalidArgumentError } from 'commander';
import { hoursBetween, type Progress } from '../../../jobs/engine/job.ts';
import { listJobs, runNamedJob } from '../../../jobs/main.ts';
import type { Config } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { print, untilInterrupted } from '../output.ts';
import { taskList } from '../task-list.ts';

function moment(text: string): Date {
  const value = new Date(/T\d\d$/.test(text) ? `${text}:00:00Z` : text);
  if (Number.isNaN(value.getTime())) throw new InvalidArgumentError('a time is wanted, for example 2026-11-21T05');
  return value;
}

interface JobFlags {
  hour?: Date;
  from?: Date;
  to?: Date;
  dryRun: boolean;
  json: boolean;
}

/** Bars on a terminal, a line of JSON for each step elsewhere. */
function reporter(name: string): { progress: Progress; close: () => void } {
  if (!process.stdout.isTTY)
    return { progress: (what, done, total) => console.error(JSON.stringify({ job: name, at: new Date().toISOString(), what, done, total })), close: () => {} };
  const list = taskList();
  const bars = new Map<string, (done: number) => void>();
  return {
    progress(what, done, total) {
      let bar = bars.get(what);
      if (!bar) {
        bar = list.bar(what, total);
        bars.set(what, bar);
      }
      bar(done);
    },
    close: () => list.close(),
  };
}

export function jobCommands(program: Command, config: () => Config): void {
  program
    .command('job')
    .description('run one job now; "foryou jobs" names them all')
    .argument('<name>')
    .option('--hour <time>', 'the logical hour, for example 2026-11-21T05 (UTC); the current one when left out', moment)
    .option('--from <time>', 'first of several hours', moment)
    .option('--to <time>', 'end of several hours, not included', moment)
    .option('--dry-run', 'say what would be done, change nothing', false)
    .option('--json', 'results as JSON', false)
    .action(async (name: string, { hour, from, to, dryRun, json }: JobFlags) => {
      if ((from === undefined) !== (to === undefined))
        throw new ForyouError('input-invalid', '--from and --to belong together', { fix: 'give both, or --hour' });
      const hours = from && to ? hoursBetween(from, to) : hour ? hoursBetween(hour, new Date(hour.getTime() + 1)) : undefined;
      const report = reporter(name);
      const results = await runNamedJob(config(), name, { dryRun, progress: report.progress, signal: untilInterrupted(), ...(hours ? { hours } : {}) }).finally(
        report.close,
      );
      print(
        Object.entries(results).map(([result, value]) => ({ result, value })),
        json,
      );
    });

  program
    .command('jobs')
    .description('the schedule, the last run of each job, and what is late')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const rows = await listJobs(config());
      print(json ? rows.map((r) => ({ ...r })) : rows.map((r) => ({ ...r, late: r.late ? 'LATE' : '', seconds: r.seconds.toFixed(1) })), json);
    });
}
