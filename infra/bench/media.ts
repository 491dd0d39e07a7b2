import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { processLimits } from '#schemas/config/media.ts';
import { ladderFor } from '#schemas/media/ladder.ts';
import { signToken } from '../../serving/http/auth.ts';
import { serve } from '../../serving/main.ts';
import { runTopologies } from '../../topologies/main.ts';
import { checkFile } from '../../topologies/processing/check.ts';
import { nobody } from '../../topologies/processing/ports.ts';
import { MemoryBlobs } from '../blobs/memory.ts';
import { percentile } from '../cli/demo/freshness-probe.ts';
import { uploadFile } from '../cli/upload-client.ts';
import { readConfig } from '../config.ts';
import { renditionArguments } from '../media/arguments.ts';
import { FfmpegMedia } from '../media/ffmpeg.ts';
import { makeClip } from '../media/make-clip.ts';
import { outsideOf } from '../media/sandbox.ts';
import { startTestStack } from '../testing/test-stack.ts';
import { type BenchRow, figure, versus } from './row.ts';

const run = promisify(execFile);
/** Clips of each length. */
const lengths = [
  { length: 15, rounds: 8 },
  { length: 60, rounds: 4 },
  { length: 180, rounds: 1 },
];
const uploadRounds = 3;
const side = { width: 1_920, height: 1_080 };

/** Processor seconds of processes that this one started and waited for (proc(5), stat: cutime and cstime, in ticks of 10 ms). */
function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};

const films = ['moviepy_big_buck_bunny_0_30.webm', 'imageio_cockatoo.mp4', 'pytorchvideo_archery.mp4', 'moviepy_chaplin.mp4'];

/** 1080p of the wanted length: real films where there are some, another one each round, otherwise a fractal that is dived into. */
async function filmOf(length: number, round: number, folder: string): Promise<string> {
  const file = join(folder, `film-${length}-${round}.mp4`);
  const film = join(readConfig().sharedData, 'video/ok', films[round % films.length] as string);
  const output = ['-preset', 'veryfast', '-crf', '20'];
  if (!existsSync(film)) return makeClip(file, { seconds: length, size: '1920x1080', rate: 24, picture: 'mandelbrot', output });
  const size = ['-vf', `scale=${side.width}:${side.height},setsar=1`];
  await run('ffmpeg', ['-v', 'error', '-y', '-stream_loop', '-1', '-i', film, '-t', String(length), ...size, ...output, '-c:a', 'aac', file]);
  return file;
}

/** One command that makes the same ladder and the same sound, and nothing else. */
async function bare(file: string, folder: string): Promise<void> {
  const probe = await new FfmpegMedia('none').probe(file, { limits: processLimits.probe });
  const renditions = ladderFor(probe.picture.width, probe.picture.height);
  const out = mkdtempSync(join(folder, 'bare-'));
  await run('mkdir', ['-p', ...renditions.map((r) => join(out, r.name)), join(out, 'sound')]);
  const args = renditionArguments({ probe, renditions }).map((arg) => outsideOf({ input: file, work: out }, arg));
  const sound = [
    '-map',
    '0:a:0',
    '-c:a',
    'aac',
    '-b:a',
    '128k',
    '-ac',
    '2',
    '-f',
    'hls',
    '-hls_time',
    '2',
    '-hls_segment_type',
    'fmp4',
    join(out, 'sound/index.m3u8'),
  ];
  await run('ffmpeg', [...args, ...sound], { maxBuffer: 1 << 26 });
  rmSync(out, { recursive: true, force: true });
}

async function ours(
  file: string,
  sandbox = readConfig().media.sandbox,
): Promise<{ playable: number; processed: number; bytes: number; processorSeconds: number }> {
  const media = new FfmpegMedia(sandbox);
  const before = childSeconds();
  const began = performance.now();
  let playable = 0;
  const checked = await checkFile({ blobs: new MemoryBlobs(), media, ...nobody }, file, new AbortController().signal, {
    onPlayable: () => {
      playable = (performance.now() - began) / 1_000;
    },
  });
  if (checked.outcome.kind !== 'published') throw new Error(`${file} was rejected`);
  const bytes = [...checked.made.values()].reduce((sum, body) => sum + body.length, 0);
  return { playable, processed: checked.seconds, bytes, processorSeconds: childSeconds() - before };
}

/** Time to a stream beside one bare ffmpeg command that makes the same ladder, alternating, in one run. */
export async function playable(say: (line: string) => void): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'foryou-bench-media-'));
  const rows: BenchRow[] = [];
  try {
    for (const { length, rounds } of lengths) {
      type Run = Awaited<ReturnType<typeof ours>>;
      const [bareRuns, runs, costs]: [number[], Run[], Run[]] = [[], [], []];
      for (let round = 0; round < rounds; round++) {
        const file = await filmOf(length, round, folder);
        bareRuns.push(await seconds(() => bare(file, folder)));
        const last = await ours(file);
        runs.push(last);
        // Who runs in a sandbox of its own is nobody's child: its processor time is counted without one.
        if (round === rounds - 1) costs.push(await ours(file, 'none'));
        rmSync(file);
        say(`  ${length} s: playable ${last.playable.toFixed(1)} s, processed ${last.processed.toFixed(1)} s; bare ffmpeg ${bareRuns.at(-1)?.toFixed(1)} s`);
      }
      rows.push(...rowsOf(length, runs, bareRuns, costs));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

/** Times at the middle and at the end of the clips of one length, beside the opponent; and what a minute of video costs. */
function rowsOf(
  length: number,
  runs: readonly Awaited<ReturnType<typeof ours>>[],
  bareRuns: readonly number[],
  costs: readonly Awaited<ReturnType<typeof ours>>[],
): BenchRow[] {
  const of = (name: string, unit: string, values: readonly number[]) => figure(`${name}-${length}s`, unit, null, values);
  const at = (name: string, values: readonly number[]) => [0.5, 0.99].map((share) => of(`${name}-p${100 * share}`, 's', [percentile(values, share)]));
  const [playables, processed] = [runs.map((r) => r.playable), runs.map((r) => r.processed)];
  const versusName = length === 60 ? 'playable-vs-ffmpeg' : `processed-vs-ffmpeg-${length}s`;
  return [
    versus(versusName, 's', 1.2, processed, 'one bare ffmpeg', bareRuns),
    ...at('first-playable', playables),
    ...at('processed', processed),
    of(
      'processor-seconds-per-minute',
      's',
      costs.map((r) => (60 * r.processorSeconds) / length),
    ),
    of(
      'megabytes-per-minute',
      'MB',
      runs.map((r) => (60 * r.bytes) / 1e6 / length),
    ),
  ];
}

const uploads = 200;
const sideBySide = 8;

/** Files of a megabyte through announced, presigned, sent and completed uploads, a few creators side by side. */
export async function uploadRate(say: (line: string) => void): Promise<BenchRow[]> {
  const { config: base, stop } = await startTestStack();
  const config = { ...base, limits: { perUserPerMinute: 1_000_000, perAddressPerMinute: 1_000_000 } };
  const online = await runTopologies(config, 'online');
  const serving = await serve(config);
  try {
    const folder = mkdtempSync(join(tmpdir(), 'foryou-bench-uploads-'));
    const bytes = Buffer.concat([await readFile(await makeClip(join(folder, 'a.mp4'), { seconds: 1 })), Buffer.alloc(1_000_000)]).subarray(0, 1_000_000);
    rmSync(folder, { recursive: true, force: true });
    const url = `http://${config.host}:${config.ports.serving}`;
    const rates: number[] = [];
    for (let round = 0; round < uploadRounds; round++) {
      let next = 0;
      const took = await seconds(() =>
        Promise.all(
          Array.from({ length: sideBySide }, async () => {
            for (; next < uploads; ) {
              next++;
              const token = await signToken(config.jwt, `creator-${crypto.randomUUID()}`, [], 600);
              await uploadFile({ url, token }, bytes, { type: 'video/mp4' });
            }
          }),
        ),
      );
      rates.push(uploads / took);
      say(`  ${(uploads / took).toFixed(1)} uploads/s`);
    }
    return [figure('uploads-per-second', '1/s', null, rates)];
  } finally {
    await serving.stop();
    await online.stop();
    await stop();
  }
}
