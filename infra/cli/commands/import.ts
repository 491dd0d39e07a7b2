import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { type ImportFormat, type ImportResult, importFile } from '../../../jobs/import/importer.ts';
import { interactions } from '../../../jobs/import/interactions.ts';
import { kuairand } from '../../../jobs/import/kuairand.ts';
import { connect, disconnect } from '../../adapters.ts';
import type { Config } from '../../config.ts';
import { EventProducer } from '../../producer/producer.ts';
import { print } from '../output.ts';
import { taskList } from '../task-list.ts';
import { wholeNumber } from './run.ts';

interface Shared {
  readonly shiftToNow: boolean;
  readonly again: boolean;
  readonly json: boolean;
}

/** Imports files one after another, with a bar on a terminal. */
export async function runImport(config: Config, format: ImportFormat, files: readonly string[], options: Shared): Promise<(ImportResult & { file: string })[]> {
  const adapters = connect(config, 'foryou-import');
  const producer = new EventProducer(adapters);
  const tasks = taskList();
  try {
    const results = [];
    for (const file of files) {
      const update = options.json ? undefined : tasks.bar(`import ${basename(file)}`, 100);
      const progress = (done: number, total: number) => update?.(Math.min(100, Math.round((100 * done) / total)));
      const badLinesFile = join(config.stateDir, 'imports', `${basename(file)}.bad`);
      results.push({
        file: basename(file),
        ...(await importFile({ producer, warehouse: adapters.warehouse }, { file, format, ...options, badLinesFile, progress })),
      });
      update?.(100);
    }
    return results;
  } finally {
    tasks.close();
    await disconnect(adapters);
  }
}

export function importCommands(program: Command, config: () => Config): void {
  const group = program.command('import').description('replay recorded engagement into the log; may be stopped and started again, and counts nothing twice');
  const shared = (command: Command): Command =>
    command
      .option('--shift-to-now', 'move the times so that the newest event is now', false)
      .option('--again', 'import a file although the ledger says that it was', false)
      .option('--json', 'as JSON', false);

  shared(group.command('kuairand').description('KuaiRand logs (TSV with a header)').argument('<file...>')).action(async (files: string[], options: Shared) => {
    print(
      (await runImport(config(), kuairand, files, options)).map((r) => ({ ...r })),
      options.json,
    );
  });

  shared(
    group
      .command('interactions')
      .description('any file of interactions; columns count from 0')
      .argument('<file>')
      .option('--user <column>', 'column of the user', wholeNumber, 0)
      .option('--item <column>', 'column of the video', wholeNumber, 1)
      .option('--time <column>', 'column of the time', wholeNumber, 2)
      .option('--time-unit <unit>', 'ms or s', 's')
      .option('--watched-ms <column>', 'column of the watch time in milliseconds', wholeNumber)
      .option('--duration-ms <column>', 'column of the length in milliseconds', wholeNumber)
      .option('--delimiter <text>', 'between columns', '\t')
      .option('--header', 'the first line names the columns', false),
  ).action(
    async (
      file: string,
      o: Shared & { user: number; item: number; time: number; timeUnit: string; watchedMs?: number; durationMs?: number; delimiter: string; header: boolean },
    ) => {
      const format = interactions({
        user: o.user,
        item: o.item,
        time: o.time,
        timeUnit: o.timeUnit === 'ms' ? 'ms' : 's',
        watchedMs: o.watchedMs ?? null,
        durationMs: o.durationMs ?? null,
        delimiter: o.delimiter,
        hasHeader: o.header,
      });
      print(
        (await runImport(config(), format, [file], o)).map((r) => ({ ...r })),
        o.json,
      );
    },
  );
}
