import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import { runDemo } from '../demo/demo.ts';

export function demoCommand(program: Command, config: () => Config): void {
  program
    .command('demo')
    .description('start everything, replay engagement, keep viewers watching, and show it; DEMO_SECONDS=60 ends by itself')
    .action(async () => {
      process.exitCode = await runDemo(config());
    });
}
