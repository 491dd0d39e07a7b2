import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { logicalHour } from '../../jobs/engine/job.ts';
import { connect, disconnect } from '../adapters.ts';
import { childEnvironment, environmentOf, repoRoot } from '../config.ts';
import { startTestStack, type TestStack } from '../testing/test-stack.ts';
import type { BenchRow } from './row.ts';

const scales = [1, 3, 10, 30] as const;
const events = 50_000;
/** In the order in which one uses what the other made. */
const measured = ['export-events', 'offline-features', 'train-vectors', 'build-index', 'training-set', 'skew-check', 'train-ranker'] as const;
const hours = 20;

interface Sample {
  readonly seconds: number;
  readonly rows: number;
  readonly mb: number;
  readonly warehouseMb: number;
}

/** Viewers of twenty tastes and videos of as many kinds, over twenty hours; every fifth view came from a logged response. */
function fill(n: number, startMs: number): string[] {
  const [users, videos, seconds] = [n / 20, n / 100, hours * 3_600];
  const user = `cityHash64(number, 1) % ${users}`;
  const own = `cityHash64(number, 2) % 10 < 7`;
  const video = `if(${own}, (${user}) % 20 + 20 * (cityHash64(number, 3) % ${videos / 20}), cityHash64(number, 4) % ${videos})`;
  const time = `fromUnixTimestamp64Milli(toInt64(${startMs} + intDiv(number * ${seconds * 1_000}, ${n})), 'UTC')`;
  const ids = `concat('u', toString(${user})) AS user_id, concat('v', toString(${video})) AS video_id`;
  return [
    `INSERT INTO engagements (log_partition, log_offset, appended_at, event_id, user_id, video_id, kind, occurred_at, watched_ms, duration_ms, creator_id, topic, region, request_id, position)
     SELECT 0, number, ${time}, concat('e', toString(number)), ${ids}, 'watch', ${time}, if(${own}, 12000, 1500), 12000, concat('c', toString((${video}) % 500)),
     concat('t', toString((${video}) % 20)), 'DE', if(number % 5 = 0, concat('r', toString(number)), ''), 0 FROM numbers(${n})`,
    `INSERT INTO feed_items_served (log_partition, log_offset, appended_at, event_id, request_id, user_id, video_id, session_id, position, occurred_at, score, reason, features, scorer)
     SELECT 0, number, ${time}, concat('s', toString(number)), concat('r', toString(number)), ${ids}, 's', 0, ${time} - toIntervalMillisecond(500), 1, 'fresh',
     concat('{"topicAffinity":', toString(if(${own}, 3, 0) + (cityHash64(number, 5) % 100) / 50), ',"ageHours":', toString(cityHash64(number, 6) % 48), ',"video.watches_d1":', toString(cityHash64(number, 7) % 90), '}'),
     'heuristic@1' FROM numbers(${n}) WHERE number % 5 = 0`,
  ];
}

/** The peak of a process since the last call, from the kernel's own count. */
function peakMb(pid: number): number {
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return peak;
}

async function runAll(stack: TestStack, n: number, hour: Date): Promise<Map<string, Sample>> {
  const samples = new Map<string, Sample>();
  const warehouse = stack.stack.processes.get('clickhouse')?.runningPid() ?? 0;
  for (const job of measured) {
    peakMb(warehouse);
    const { stdout } = await promisify(execFile)(process.execPath, [join(repoRoot, 'infra/bench/job-worker.ts'), job, hour.toISOString(), String(n)], {
      env: { ...childEnvironment(), ...environmentOf(stack.config) },
      maxBuffer: 1 << 26,
    });
    samples.set(job, { ...(JSON.parse(stdout.trim().split('\n').at(-1) as string) as Omit<Sample, 'warehouseMb'>), warehouseMb: peakMb(warehouse) });
  }
  return samples;
}

/** Slope of logarithms by least squares: 1 is linear. */
function exponent(values: readonly number[]): number {
  const points = values.map((value, i) => [Math.log(scales[i] as number), Math.log(value)] as const);
  const mean = (of: 0 | 1) => points.reduce((sum, p) => sum + p[of], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  return points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** Time and memory of every job at 1, 3, 10 and 30 times 50,000 interactions, each on a fresh stack. */
export async function growth(say: (line: string) => void): Promise<BenchRow[]> {
  const all: Map<string, Sample>[] = [];
  for (const scale of scales) {
    const stack = await startTestStack({ FORYOU_TRAINING_HORIZON_SECONDS: '60' });
    const adapters = connect(stack.config, 'bench');
    try {
      const hour = logicalHour(Date.now() - 3_600_000);
      for (const statement of fill(scale * events, hour.getTime() - (hours - 1) * 3_600_000)) await adapters.warehouse.command(statement);
      all.push(await runAll(stack, scale * events, hour));
      for (const [job, s] of all.at(-1) as Map<string, Sample>)
        say(`  ${scale}x ${job}: ${short(s.seconds)} s, ${s.rows} rows, ${short(s.mb)} MB here, ${short(s.warehouseMb)} MB in the warehouse`);
    } finally {
      await disconnect(adapters);
      await stack.stop();
    }
  }
  return measured.flatMap((job) => {
    const of = (what: keyof Sample): number[] => all.map((samples) => (samples.get(job) as Sample)[what]);
    const row = (name: string, values: number[]): BenchRow => ({
      name,
      value: exponent(values),
      unit: 'exponent',
      opponent: null,
      opponentValue: null,
      ratio: null,
      target: null,
      runs: values,
    });
    return [row(`growth-${job}-seconds`, of('seconds')), row(`growth-${job}-mb`, of('mb')), row(`growth-${job}-warehouse-mb`, of('warehouseMb'))];
  });
}
