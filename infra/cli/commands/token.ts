import type { Command } from 'commander';
import { signToken } from '../../../serving/http/auth.ts';
import type { Config } from '../../config.ts';
import { wholeNumber } from './run.ts';

export function tokenCommand(program: Command, config: () => Config): void {
  program
    .command('token')
    .description('print a bearer token for the local stack')
    .requiredOption('--user <id>', 'whom the token stands for')
    .option('--scope <scope...>', 'explain, operator, moderator', [])
    .option('--hours <n>', 'how long it holds', wholeNumber, 24)
    .action(async ({ user, scope, hours }: { user: string; scope: string[]; hours: number }) => {
      const c = config();
      console.log(await signToken(c.jwt, user, scope, hours * 3600));
    });
}
