import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment, repoRoot } from '../config.ts';

/** A safety mechanism, how to switch it off, and the test that must then go red. */
interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string | RegExp;
  readonly to: string;
  readonly project: 'unit' | 'integration' | 'faults';
  readonly testFile: string;
  readonly testName: string;
}

const mutants: readonly Mutant[] = [
  {
    name: 'watermark check',
    file: 'infra/online/merge.lua',
    from: /^if stored .* -- MUTANT:watermark$/gm,
    to: '',
    project: 'integration',
    testFile: 'online',
    testName: 'a watermark moves once|not merged again',
  },
  {
    name: 'changes told before the answer that lacks them',
    file: 'serving/catalogue/kept-columns.ts',
    from: 'const stands = told && ',
    to: 'const stands = told || ',
    project: 'unit',
    testFile: 'kept-columns',
    testName: 'while the answer is on its way',
  },
  {
    name: 'nothing stands that was read before a connection was lost',
    file: 'infra/online/tracking.ts',
    from: "connection.on('close', this.#end);",
    to: '',
    project: 'integration',
    testFile: 'online',
    testName: 'when a connection is lost',
  },
  {
    name: 'asking a second connection whether it lives',
    file: 'infra/online/tracking.ts',
    from: 'setInterval(() => this.#ping(), pingEveryMs)',
    to: 'setInterval(() => {}, pingEveryMs)',
    project: 'integration',
    testFile: 'online',
    testName: 'a second connection that is dead',
  },
  {
    name: 'skip of what a shard has already',
    file: 'topologies/engine/online-sink.ts',
    from: /admits: .* \/\/ MUTANT:admits/,
    to: 'admits: () => true,',
    project: 'faults',
    testFile: 'kill',
    testName: 'as O3 begins for time 120',
  },
  {
    name: 'a mark for each lane',
    file: 'topologies/engine/online-sink.ts',
    from: 'before.with(lane, end)',
    to: 'before.map(() => end)',
    project: 'unit',
    testFile: 'catching-up',
    testName: 'half of what is left',
  },
  {
    name: 'deduplication token',
    file: 'topologies/engine/history-sink.ts',
    from: /const token = .* \/\/ MUTANT:dedup-token/,
    to: 'const token = crypto.randomUUID();',
    project: 'faults',
    testFile: 'kill',
    testName: 'as H4 begins|as H5 begins',
  },
  {
    name: 'planned cut',
    file: 'topologies/engine/history-sink.ts',
    from: /if \(this\.#plannedEnd === null\) return .* \/\/ MUTANT:planned-cut/,
    to: 'if (this.#plannedEnd !== -1) return Math.min(max, pending.length);',
    project: 'faults',
    testFile: 'kill',
    testName: 'as H4 begins|as H5 begins',
  },
  {
    name: 'dedupe step',
    file: 'topologies/steps/dedupe.ts',
    from: 'context.firstTime() ? ok : duplicate',
    to: 'context.firstTime() ? ok : ok',
    project: 'unit',
    testFile: 'guide',
    testName: 'counts nothing twice',
  },
  {
    name: 'window read back',
    file: 'topologies/engine/partition.ts',
    from: 'for (const record of records) this.#pipeline.run(record);',
    to: '',
    project: 'unit',
    testFile: 'guide',
    testName: 'a repeat that comes after a restart',
  },
  {
    name: 'fingerprint',
    file: 'schemas/features/read.ts',
    from: ' || value.readUInt32LE(0) !== layout.fingerprint',
    to: '',
    project: 'integration',
    testFile: 'online',
    testName: 'another version of a view',
  },
  {
    name: 'look at the time of a feature',
    file: 'jobs/features/point-in-time.ts',
    from: 'labels.label_key >= f${i}.key',
    to: 'labels.label_key * 2 >= f${i}.key',
    project: 'integration',
    testFile: 'features.int',
    testName: 'a point-in-time join',
  },
  {
    name: 'count of the events that a snapshot was made from',
    file: 'jobs/features/offline-features.ts',
    from: 'made?.events === events ||',
    to: 'made ||',
    project: 'integration',
    testFile: 'features.int',
    testName: 'SQL and TypeScript|hourly snapshots|a late event',
  },
  {
    name: 'horizon of answers',
    file: 'jobs/training/training-set.ts',
    from: 'a.answered_at < s.occurred_at + toIntervalMillisecond(${horizonMs})',
    to: 'a.answered_at >= s.occurred_at',
    project: 'integration',
    testFile: 'training.int',
    testName: 'impressions are joined',
  },
  {
    name: 'outcome kept out of its own features',
    file: 'jobs/evaluate/kuairand-rows.ts',
    from: 'fillRow(row, history, watch, timeMs,',
    to: 'history.add(watch, timeMs); fillRow(row, history, watch, timeMs,',
    project: 'unit',
    testFile: 'evaluate.test',
    testName: 'a replayed row',
  },
  {
    name: 'refusal of unknown features',
    file: 'schemas/artifacts/ranker.ts',
    from: 'if (unknown.length > 0) return',
    to: 'if (unknown.length < 0) return',
    project: 'unit',
    testFile: 'inference.test',
    testName: 'is refused with the reason',
  },
  {
    name: 'budget of models',
    file: 'serving/ranking/rank.ts',
    from: 'await within(budgetMs, byModel(ranker))',
    to: 'await byModel(ranker)',
    project: 'unit',
    testFile: 'serving/ranking/rank',
    testName: 'a ranker that is late is not waited for',
  },
  {
    name: 'turn of the oldest request',
    file: 'serving/engine/turns.ts',
    from: '.sinceMs <= sinceMs',
    to: '.sinceMs > sinceMs',
    project: 'unit',
    testFile: 'serving/engine/turns',
    testName: 'an older request',
  },
  {
    name: 'numbers of a viewer behind those of his candidates',
    file: 'serving/feed/hydrators/cards.ts',
    from: 'candidates.viewer = numberedViewer(userId, viewer, served, videos);',
    to: 'candidates.viewer = numberedViewer(userId, viewer, served, catalogue.table());',
    project: 'unit',
    testFile: 'serving/feed/hydrators/cards',
    testName: 'first meets it',
  },
  {
    name: 'least evidence of exposure pools',
    file: 'schemas/config/exposure.ts',
    from: 'viewers >= fewest && pBad >= sure',
    to: 'pBad >= sure',
    project: 'unit',
    testFile: 'schemas/config/exposure',
    testName: 'small numbers decide nothing',
  },
  {
    name: 'a removal wins',
    file: 'serving/catalogue/video-table.ts',
    from: ' || (timeMs === knownMs && this.cards[video] === null)',
    to: '',
    project: 'unit',
    testFile: 'serving/catalogue',
    testName: 'at one moment the removal does',
  },
  {
    name: 'mandatory slots',
    file: 'serving/feed/selectors/slots.ts',
    from: '=== s.at',
    to: '=== -1',
    project: 'unit',
    testFile: 'selectors',
    testName: 'a slot that has candidates is never lost',
  },
  {
    name: 'one end for each upload',
    file: 'topologies/processing/results.ts',
    from: 'if (await blobs.putNew(quarantine, mediaKeys.outcome(videoId), Buffer.from(JSON.stringify(outcome)))) return outcome;',
    to: 'await blobs.put(quarantine, mediaKeys.outcome(videoId), Buffer.from(JSON.stringify(outcome))); return outcome;',
    project: 'unit',
    testFile: 'topologies/processing/results',
    testName: 'the first decision stands',
  },
  {
    name: 'results that are kept',
    file: 'topologies/engine/dag.ts',
    from: 'if (kept) return kept.result;',
    to: '',
    project: 'unit',
    testFile: 'topologies/engine/dag',
    testName: 'what has a result is not made again',
  },
  {
    name: 'walls of the sandbox',
    file: 'infra/media/sandbox.ts',
    from: "'--unshare-all', ",
    to: '',
    project: 'unit',
    testFile: 'topologies/processing/hostile',
    testName: 'behind the walls',
  },
  {
    name: 'trends by people, not by answers',
    file: 'serving/feed/sources/crowd.ts',
    from: /fans \? Math\.min\(.*\) \* fans\.standing : weight/,
    to: 'fans ? weight : weight',
    project: 'unit',
    testFile: 'crowd',
    testName: 'one account and a burst',
  },
  {
    name: 'a ladder that goes on from what it kept',
    file: 'topologies/processing/tasks/ladder.ts',
    from: '((await kept()) as Way | null)',
    to: '(null as Way | null)',
    project: 'unit',
    testFile: 'processing/ladder',
    testName: 'ended in the middle',
  },
  {
    name: 'segments moved to their time',
    file: 'infra/media/ffmpeg.ts',
    from: 'moveSegment(bytes, Math.round(ticks), made.segments);',
    to: 'moveSegment(bytes, 0, made.segments + 0 * ticks);',
    project: 'unit',
    testFile: 'processing/ladder',
    testName: 'ended in the middle',
  },
  {
    name: 'end of a reading that is given up',
    file: 'infra/media/sandbox.ts',
    from: 'if (child.pid) process.kill(-child.pid',
    to: 'if (child.pid) process.kill(child.pid',
    project: 'unit',
    testFile: 'topologies/processing/hostile',
    testName: 'given up at any moment',
  },
  {
    name: 'limit on beginnings',
    file: 'topologies/processing/attempts.ts',
    from: 'if ((begun[step] ?? 0) >= beginningsMax)',
    to: 'if ((begun[step] ?? 0) >= 1_000)',
    project: 'unit',
    testFile: 'topologies/processing/results',
    testName: 'given up after four beginnings',
  },
  {
    name: 'fair turns',
    file: 'topologies/engine/fair-queue.ts',
    from: 'this.#virtual = Math.max(this.#virtual, chosen.finish);',
    to: '',
    project: 'unit',
    testFile: 'topologies/engine/fair-queue',
    testName: 'not put off for ever',
  },
  {
    name: 'wait of a video for other kinds of viewers',
    file: 'serving/feed/sources/trial-audience.ts',
    from: 'counts !== undefined && counts.total >= before',
    to: 'false',
    project: 'unit',
    testFile: 'serving/feed/sources/trial-audience',
    testName: 'a burst of one kind',
  },
  {
    name: 'time limit of the online store',
    file: 'serving/main.ts',
    from: 'commandTimeoutMs: onlineTimeoutMs',
    to: 'commandTimeoutMs: 60_000',
    project: 'faults',
    testFile: 'serving/outages',
    testName: 'Redis frozen for two seconds',
  },
  {
    name: 'fixed length of a part',
    file: 'infra/blobs/s3-uploads.ts',
    from: ', ContentLength: bytes',
    to: '',
    project: 'integration',
    testFile: 'serving/uploads/uploads',
    testName: 'a part of another length',
  },
];

/** The checkout with one mechanism off, in a folder of its own. */
function mutate(mutant: Mutant): string {
  const copy = mkdtempSync(join(tmpdir(), 'foryou-mutant-'));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: repoRoot, encoding: 'utf8' }).trim().split('\n');
  for (const file of files) cpSync(join(repoRoot, file), join(copy, file));
  symlinkSync(join(repoRoot, 'node_modules'), join(copy, 'node_modules'));
  const path = join(copy, mutant.file);
  const before = readFileSync(path, 'utf8');
  const after = before.replace(mutant.from, mutant.to);
  if (after === before) throw new Error(`the mutant "${mutant.name}" does not apply to ${mutant.file}`);
  writeFileSync(path, after);
  return copy;
}

function goesRed(mutant: Mutant, folder: string): boolean {
  const args = [join(folder, 'node_modules/vitest/vitest.mjs'), 'run', '--project', mutant.project, mutant.testFile, '-t', mutant.testName];
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: childEnvironment(),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 580_000,
  });
  // Red for the right reason: the tests ran, and some failed.
  return status !== 0 && /Tests .*\d+ failed/.test(stdout);
}

/** `node infra/testing/mutants.ts WORDS` tries those whose name has the words. */
const wanted = process.argv.slice(2).join(' ');
let survived = 0;
for (const mutant of mutants.filter((m) => m.name.includes(wanted))) {
  const folder = mutate(mutant);
  try {
    const red = goesRed(mutant, folder);
    if (!red) survived++;
    console.log(`${red ? 'red, as it must be' : 'STILL GREEN'}  without the ${mutant.name}: ${mutant.testName}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(survived === 0 ? `all ${mutants.length} mechanisms are tested` : `${survived} of ${mutants.length} mechanisms are not tested`);
process.exit(survived === 0 ? 0 : 1);
