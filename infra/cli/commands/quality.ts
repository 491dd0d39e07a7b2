import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { evaluate } from '../../../jobs/evaluate/evaluate.ts';
import { type QualityRow, suites } from '../../../jobs/evaluate/quality.ts';
import { estimateFromLogs } from '../../../jobs/experiments/open-bandit.ts';
import type { Config } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { MatMul } from '../../inference/matmul.ts';
import { OnnxRuntime } from '../../inference/onnx-runtime.ts';
import { print } from '../output.ts';
import { wholeNumber } from './run.ts';

export function qualityCommands(program: Command, config: () => Config): void {
  program
    .command('evaluate')
    .description('train on files of interactions with settings chosen from them alone, and rank all items for the users of a test file')
    .requiredOption('--train <file...>', '"user<TAB>item" or "user item item ..." lines')
    .requiredOption('--test <file>', 'the same, of what users should find')
    .option('--features <file...>', 'features of items as .npy; the row of an item is its id', [])
    .option('--k <number>', 'length of the ranked list', wholeNumber, 20)
    .action(async ({ train, test, features, k }: { train: string[]; test: string; features: string[]; k: number }) => {
      const result = await evaluate(await MatMul.load(new OnnxRuntime()), { train, test, features, k, report: (message) => console.error(message) });
      console.log(JSON.stringify(result, null, 2));
    });

  program
    .command('off-policy')
    .description('estimate what a policy would bring from the log of another (CSV with item_id, position, click, propensity_score)')
    .requiredOption('--log <file>', 'what the logging policy showed, with the chance that each item had')
    .requiredOption('--target <file>', 'what the other policy showed: its probabilities, and what it really brought')
    .action(({ log, target }: { log: string; target: string }) => console.log(JSON.stringify(estimateFromLogs(log, target), null, 2)));

  program
    .command('quality')
    .description('train on the real data beside this checkout and print how good it is, beside popularity, item-kNN and EASE')
    .option('--only <name>', `one of: ${suites.map((suite) => suite.name).join(', ')}`)
    .option('--json', 'as JSON', false)
    .action(async ({ only, json }: { only?: string; json: boolean }) => {
      const data = config().sharedData;
      if (!existsSync(data)) {
        console.error(`there is no data at ${data}: nothing is measured (set FORYOU_SHARED_DATA)`);
        return;
      }
      const chosen = suites.filter((suite) => !only || suite.name === only);
      if (chosen.length === 0)
        throw new ForyouError('input-invalid', `there is no suite "${only}"`, { fix: `choose one of: ${suites.map((suite) => suite.name).join(', ')}` });
      const inference = new OnnxRuntime();
      const rows: QualityRow[] = [];
      for (const suite of chosen) {
        const report = (message: string) => console.error(`${suite.name}: ${message}`);
        rows.push(...(await suite.run({ data, inference, matmul: await MatMul.load(inference), report })));
      }
      const short = (value: number | undefined, digits: number) => (value === undefined || Number.isNaN(value) ? '' : value.toFixed(digits));
      print(
        rows.map((r) =>
          json
            ? { ...r }
            : {
                data: r.data,
                method: r.method,
                recall: short(r.recall, 4),
                ndcg: short(r.ndcg, 4),
                hitRate: short(r.hitRate, 4),
                auc: short(r.auc, 4),
                groupAuc: short(r.groupAuc, 4),
                seconds: short(r.seconds, 0),
                peakMb: short(r.peakMb, 0),
              },
        ),
        json,
      );
    });
}
