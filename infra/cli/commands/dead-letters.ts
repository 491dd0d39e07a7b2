import type { Command } from 'commander';
import { deadLetterTopic } from '#schemas/events/index.ts';
import { connect, disconnect } from '../../adapters.ts';
import type { Config } from '../../config.ts';
import { listDeadLetters, replayDeadLetters } from '../../dead-letters.ts';
import { print } from '../output.ts';
import { wholeNumber } from './run.ts';

export function deadLetterCommands(program: Command, config: () => Config): void {
  const group = program.command('deadletters').description(`records that could not be stored (topic ${deadLetterTopic})`);

  group
    .command('list')
    .description('where they came from and why they are here, newest last')
    .option('--reason <reason>', 'only these')
    .option('--limit <n>', 'at most so many', wholeNumber, 100)
    .option('--json', 'as JSON', false)
    .action(async ({ reason, limit, json }: { reason?: string; limit: number; json: boolean }) => {
      const adapters = connect(config(), 'foryou-deadletters');
      try {
        const letters = (await listDeadLetters(adapters.log)).filter((l) => !reason || l.reason === reason).slice(-limit);
        const rows = letters.map(({ value, key: _key, ...rest }) => ({ ...rest, bytes: value?.length ?? 0 }));
        if (rows.length === 0 && !json) console.log('there are no dead letters');
        else print(rows, json);
      } finally {
        await disconnect(adapters);
      }
    });

  group
    .command('replay')
    .description('append them to their topics again, for example after a schema was registered; what is still bad comes back')
    .option('--reason <reason>', 'only these')
    .action(async ({ reason }: { reason?: string }) => {
      const adapters = connect(config(), 'foryou-deadletters');
      try {
        console.log(`${await replayDeadLetters(adapters.log, reason)} records replayed`);
      } finally {
        await disconnect(adapters);
      }
    });
}
