import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { ForyouError } from '../errors.ts';
import { contentRetrieval } from './content.ts';
import { feedAt } from './feed.ts';
import { growth } from './growth.ts';
import { hotKey, ingest } from './ingest.ts';
import { playable, uploadRate } from './media.ts';
import { pointInTime } from './point-in-time.ts';
import { ranking } from './rank.ts';
import { type BenchRow, table } from './row.ts';
import { serving } from './serving.ts';
import { variety } from './variety.ts';
import { viewersBench } from './viewers.ts';

/** Which suite measures which rows. */
const suites: readonly { rows: readonly string[]; run: (say: (line: string) => void) => Promise<BenchRow[]> }[] = [
  { rows: ['ingest-vs-kafkajs', 'ingest-vs-clickhouse-kafka-engine'], run: ingest },
  { rows: ['ingest-hot-key'], run: hotKey },
  { rows: ['freshness-ms-p50', 'freshness-ms-p99', 'feature-read-1000-ms-p99'], run: serving },
  {
    rows: [
      'feed-100k',
      'feed-100k-1000-ms-p99-c1',
      'feed-100k-1000-ms-p99-c4',
      'feed-100k-1000-ms-p99-c16',
      'publish-to-recommendable-ms-p99',
      'remove-to-gone-ms-p99',
    ],
    run: feedAt(100_000, '100k'),
  },
  { rows: ['feed-1m', 'feed-1m-1000-ms-p99-c1', 'feed-1m-1000-ms-p99-c4', 'feed-1m-1000-ms-p99-c16'], run: feedAt(1_000_000, '1m') },
  { rows: ['rank-1000-ms-p99', 'rank-1000-ms-p99-c4', 'rank-1000-ms-p99-c16'], run: ranking },
  { rows: ['pit-vs-feast'], run: pointInTime },
  { rows: ['growth'], run: growth },
  { rows: ['variety'], run: variety },
  { rows: ['viewers', 'viewers-completion-vs-heuristics', 'viewers-completion-vs-popularity', 'viewers-completion-vs-random'], run: viewersBench },
  { rows: ['uploads', 'playable-vs-ffmpeg'], run: playable },
  { rows: ['uploads-per-second'], run: uploadRate },
  { rows: ['content-retrieval', 'content-retrieval-map', 'content-altered-recall-at-1'], run: contentRetrieval },
];

const { only } = new Command('bench').option('--only <name>', 'one row').parse().opts<{ only?: string }>();
const chosen = suites.filter((s) => !only || s.rows.includes(only));
if (chosen.length === 0)
  throw new ForyouError('input-invalid', `there is no benchmark "${only}"`, { fix: `choose one of: ${suites.flatMap((s) => s.rows).join(', ')}` });

const rows: BenchRow[] = [];
for (const suite of chosen) {
  console.log(`measuring ${suite.rows.join(', ')}`);
  rows.push(...(await suite.run((line) => console.log(line))));
}
const one = rows.filter((r) => r.name === only);
// The name of a suite stands for all its rows.
const shown = one.length > 0 ? one : rows;
console.log(`\n${table(shown)}`);
const out = readConfig().benchOut;
if (out) writeFileSync(out, `${JSON.stringify(shown, null, 2)}\n`);
