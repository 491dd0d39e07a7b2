import { type Command, InvalidArgumentError } from 'commander';
import { runScheduler } from '../../../jobs/main.ts';
import { serve } from '../../../serving/main.ts';
import { runTopologies } from '../../../topologies/main.ts';
import type { Config } from '../../config.ts';
import { untilStopped } from '../output.ts';

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is wanted');
  return value;
}

export function runCommands(program: Command, config: () => Config): void {
  program
    .command('topology')
    .description('run a topology in the foreground, or a group of them: history, online, processing, engagement, videos, social')
    .argument('<name>')
    .option('--metrics-port <port>', 'serve health and metrics on this loopback port', wholeNumber)
    .action(async (name: string, { metricsPort }: { metricsPort?: number }) =>
      untilStopped(await runTopologies(config(), name, metricsPort ? { metricsPort } : {})),
    );

  program
    .command('serve')
    .description('run the feed API in the foreground')
    .action(async () => untilStopped(await serve(config())));

  program
    .command('schedule')
    .description('run the jobs on their schedules in the foreground')
    .action(async () => untilStopped(await runScheduler(config())));
}
