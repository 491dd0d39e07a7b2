import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type RightsDecision, rightsDecisions } from '#schemas/config/rights.ts';
import { checkFiles, registerWork, verifyStore } from '../../../topologies/main.ts';
import type { Config } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { print } from '../output.ts';
import { taskList } from '../task-list.ts';
import { wholeNumber } from './run.ts';

/** ISO 3166-1 alpha-2, as feeds and videos name them. */
function regionList(text: string): string[] {
  const regions = text.split(',');
  if (!regions.every((region) => /^[A-Z]{2}$/.test(region))) throw new InvalidArgumentError('regions are two capitals each, for example DE,FR');
  return regions;
}

export function mediaCommands(program: Command, config: () => Config): void {
  const media = program.command('media').description('files of creators: try them, and check what became of them');
  media
    .command('check')
    .description('run files through the processing that uploads go through, without a stack, and say how each ends')
    .argument('<file...>')
    .option('--out <folder>', 'keep what was made, one folder for each file')
    .option('--json', 'results as JSON', false)
    .action(async (files: string[], { out, json }: { out?: string; json: boolean }) => {
      const absent = files.filter((file) => !existsSync(file));
      if (absent.length > 0) throw new ForyouError('input-invalid', `no such file: ${absent.join(', ')}`, { fix: 'give paths of files that exist' });
      const list = json ? null : taskList();
      const rows = [];
      for await (const { file, outcome, seconds, made } of checkFiles(config(), files, (file) => list?.begin(file))) {
        const { event } = outcome;
        rows.push({
          file,
          end: outcome.kind,
          why: outcome.kind === 'rejected' ? outcome.event.reason : '',
          detail:
            outcome.kind === 'rejected'
              ? outcome.event.detail
              : `${outcome.event.width} x ${outcome.event.height}, ${(outcome.event.durationMs / 1_000).toFixed(1)} s`,
          seconds: Number(seconds.toFixed(1)),
          files: made.size,
        });
        if (!out) continue;
        for (const [name, body] of made) {
          const path = join(out, event.videoId, name);
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, body);
        }
      }
      list?.close();
      print(rows, json);
    });

  media
    .command('register')
    .description('register a work by its sound: uploads that contain five seconds of it follow what its owner wants')
    .argument('<file>')
    .requiredOption('--work <id>', 'id of the work; registering it again replaces it')
    .requiredOption('--title <title>', 'title, for the creators whose videos contain it')
    .requiredOption('--owner <owner>', 'who owns it')
    .addOption(new Option('--decision <decision>', 'what is done with a video that contains it').choices([...rightsDecisions]).default('allow'))
    .option('--regions <list>', 'where, for example DE,FR; everywhere when left out', regionList, [])
    .action(
      async (
        file: string,
        { work, title, owner, decision, regions }: { work: string; title: string; owner: string; decision: RightsDecision; regions: string[] },
      ) => {
        const words = await registerWork(config(), file, { workId: work, title, owner, decision, regions });
        console.log(`registered ${work}: ${words} words, ${decision}${regions.length > 0 ? ` in ${regions.join(', ')}` : ''}`);
      },
    );

  media
    .command('verify')
    .description('hold the object store against events and history: nothing lost, nothing left over, nothing ended twice')
    .option('--grace <seconds>', 'uploads younger than this are on their way', wholeNumber, 600)
    .option('--json', 'mismatches as JSON', false)
    .action(async ({ grace, json }: { grace: number; json: boolean }) => {
      const { checked, mismatches } = await verifyStore(config(), 1_000 * grace);
      if (json || mismatches.length > 0) print(mismatches as unknown as Record<string, unknown>[], json);
      if (!json) console.log(`${checked} uploads, ${mismatches.length} mismatches`);
      if (mismatches.length > 0) process.exitCode = 1;
    });
}
