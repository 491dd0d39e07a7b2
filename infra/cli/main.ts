import { Command, CommanderError } from 'commander';
import { readConfig } from '../config.ts';
import { ForyouError } from '../errors.ts';
import { deadLetterCommands } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { featureCommands } from './commands/features.ts';
import { importCommands } from './commands/import.ts';
import { jobCommands } from './commands/jobs.ts';
import { artifactCommands } from './commands/learning.ts';
import { mediaCommands } from './commands/media.ts';
import { qualityCommands } from './commands/quality.ts';
import { runCommands } from './commands/run.ts';
import { simulateCommand } from './commands/simulate.ts';
import { stackCommands } from './commands/stack.ts';
import { tokenCommand } from './commands/token.ts';
import { printError } from './output.ts';

/** Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted. */
const program = new Command('foryou')
  .description('The For You loop as a platform: events in, a feed that has already learnt from them out.')
  .version('0.1.0')
  .showHelpAfterError()
  .exitOverride();

const config = () => readConfig();
for (const add of [
  stackCommands,
  runCommands,
  jobCommands,
  artifactCommands,
  qualityCommands,
  featureCommands,
  importCommands,
  mediaCommands,
  simulateCommand,
  deadLetterCommands,
  tokenCommand,
  demoCommand,
])
  add(program, config);

try {
  await program.parseAsync();
  process.exit(process.exitCode ?? 0);
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  printError(error);
  process.exit(error instanceof ForyouError && error.code === 'interrupted' ? 130 : 1);
}
