import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Rendition } from '#schemas/media/ladder.ts';
import type { Segment } from '#schemas/media/playback.ts';
import type { Rejection } from '#schemas/media/rejection.ts';
import {
  animationArguments,
  fingerprintArguments,
  frameArguments,
  framesOf,
  lookFile,
  loudnessArguments,
  milliRate,
  packetArguments,
  probeArguments,
  renditionArguments,
  sampleArguments,
  soundArguments,
  stillArguments,
} from './arguments.ts';
import { type ProbeOutput, readProbe } from './ffprobe.ts';
import { type Call, type Frames, type Look, type Loudness, type Media, type Probe, Refusal, type RenditionsCall } from './media.ts';
import { moveSegment, timescaleOf } from './mp4.ts';
import { confined, type Printed, type SandboxKind } from './sandbox.ts';

/** Null for none. */
function framesFrom(pixels: Buffer, { width, height, framesPerSecond }: Look): Frames | null {
  const count = Math.floor(pixels.length / (width * height * 3));
  return count === 0 ? null : { width, height, framesPerSecond, count, pixels };
}

type Bounds = Omit<Call, 'durationMs'>;

const lookEveryMs = 150;

/** ffmpeg and ffprobe of the distribution, each call in a sandbox of its own. */
export class FfmpegMedia implements Media {
  readonly #sandbox: SandboxKind;
  constructor(sandbox: SandboxKind) {
    this.#sandbox = sandbox;
  }

  #run(
    command: 'ffmpeg' | 'ffprobe',
    input: string,
    args: readonly string[],
    call: Bounds,
    more: Partial<Parameters<typeof confined>[1]> = {},
  ): Promise<Printed> {
    const { limits, signal } = call;
    return confined(this.#sandbox, { command, args, input, limits, failsAs: 'damaged', ...(signal ? { signal } : {}), ...more });
  }

  async probe(file: string, call: Bounds): Promise<Probe> {
    if ((await stat(file)).size === 0) throw new Refusal('empty', 'it has 0 bytes');
    const failsAs: Rejection = 'notAVideo';
    const { stdout } = await this.#run('ffprobe', file, probeArguments, call, { failsAs });
    const output = JSON.parse(stdout.toString()) as ProbeOutput;
    const stated = [...(output.streams ?? []).filter((s) => s.codec_type === 'video').map((s) => s.duration), output.format?.duration];
    const packetsMs = stated.some((duration) => Number(duration) > 0) ? 0 : await this.#lastPacketMs(file, call);
    return readProbe(output, packetsMs);
  }

  async probeSound(file: string, call: Bounds): Promise<{ durationMs: number }> {
    const { stdout } = await this.#run('ffprobe', file, probeArguments, call, { failsAs: 'notAVideo' });
    const { streams = [], format } = JSON.parse(stdout.toString()) as ProbeOutput;
    const durationMs = Math.round(1_000 * Number(format?.duration ?? Number.NaN));
    if (!streams.some((s) => s.codec_type === 'audio') || !(durationMs > 0)) throw new Refusal('notAVideo', 'there is no sound in it');
    return { durationMs };
  }

  /** Where the last packet ends, for a container that does not say how long it is. */
  async #lastPacketMs(file: string, call: Bounds): Promise<number> {
    const { stdout } = await this.#run('ffprobe', file, packetArguments, call);
    let last = 0;
    for (const line of stdout.toString().split('\n')) {
      const [at, length] = line.split(',').map(Number);
      const end = (at ?? Number.NaN) + (Number.isFinite(length) ? (length as number) : 0);
      if (end > last) last = end;
    }
    return 1_000 * last;
  }

  async renditions(call: RenditionsCall): ReturnType<Media['renditions']> {
    const { renditions, into, look: looked } = call;
    await Promise.all(renditions.map((r) => mkdir(join(into, r.name), { recursive: true })));
    const told = renditions.map(() => 0);
    const madeMs = 1_000 * (call.made?.seconds ?? 0);
    const look = async () => {
      for (const [i, rendition] of renditions.entries()) told[i] = await tell(call, rendition, told[i] as number);
    };
    const running = this.#run('ffmpeg', call.file, renditionArguments(call), call, {
      work: into,
      onOutput: (chunk) => {
        const at = /out_time_us=(\d+)/.exec(chunk.toString())?.[1];
        if (at) call.onProgress?.(madeMs + Number(at) / 1_000);
      },
    });
    const ended = new AbortController();
    running.then(
      () => ended.abort(),
      () => ended.abort(),
    );
    while (!ended.signal.aborted) {
      await setTimeout(lookEveryMs, undefined, { signal: ended.signal }).catch(() => {});
      if (!ended.signal.aborted) await look();
    }
    await running;
    await look();
    const segments = await Promise.all(renditions.map((r) => readSegments(join(into, r.name))));
    const pixels = looked && (await readFile(join(into, lookFile)).catch(() => null));
    return { segments, frames: pixels ? framesFrom(pixels, looked as Look) : null };
  }

  async loudness(file: string, call: Call): Promise<Loudness | null> {
    const { stderr } = await this.#run('ffmpeg', file, loudnessArguments(call.durationMs), call);
    const found = /\{[^{}]*"input_i"[^{}]*\}/.exec(stderr);
    if (!found) throw new Refusal('damaged', 'its sound could not be read');
    const measured = JSON.parse(found[0]) as Record<'input_i' | 'input_tp' | 'input_lra', string>;
    const [integrated, truePeak, range] = [Number(measured.input_i), Number(measured.input_tp), Number(measured.input_lra)];
    return Number.isFinite(integrated) && integrated > -69 ? { integrated, truePeak, range } : null;
  }

  async soundTrack(file: string, gainDb: number, into: string, call: Call): Promise<readonly Segment[]> {
    await mkdir(into, { recursive: true });
    await this.#run('ffmpeg', file, soundArguments(gainDb, call.durationMs), call, { work: into });
    return readSegments(into);
  }

  async frames(file: string, look: Look, call: Call): Promise<Frames> {
    const { stdout } = await this.#run('ffmpeg', file, frameArguments(look, call.durationMs), call);
    const frames = framesFrom(stdout, look);
    if (!frames) throw new Refusal('damaged', 'not one frame could be read');
    return frames;
  }

  async still(file: string, atMs: number, size: { width: number; height: number }, call: Bounds): Promise<Buffer> {
    const { stdout } = await this.#run('ffmpeg', file, stillArguments(atMs, size), call);
    return stdout;
  }

  async animation(file: string, span: { atMs: number; lengthMs: number; width: number; height: number }, call: Bounds): Promise<Buffer> {
    const { stdout } = await this.#run('ffmpeg', file, animationArguments(span), call);
    return stdout;
  }

  async samples(file: string, rate: number, call: Call): Promise<Float32Array> {
    const { stdout } = await this.#run('ffmpeg', file, sampleArguments(rate, call.durationMs), call);
    // A copy of its own, because a view of floats must begin at a multiple of four.
    return new Float32Array(new Uint8Array(stdout.subarray(0, stdout.length & ~3)).buffer);
  }

  async fingerprint(file: string, call: Call, played = { speed: 1, skipMs: 0 }): Promise<Uint32Array> {
    const { stdout } = await this.#run('ffmpeg', file, fingerprintArguments(call.durationMs, played), call);
    const words = new Uint32Array(stdout.length >> 2);
    for (let i = 0; i < words.length; i++) words[i] = stdout.readUInt32LE(4 * i);
    return words;
  }
}

/** Segments that a playlist names are whole: the muxer names one once it has been closed. */
async function readSegments(folder: string): Promise<Segment[]> {
  const text = await readFile(join(folder, 'index.m3u8'), 'utf8').catch(() => '');
  const named = [...text.matchAll(/#EXTINF:([\d.]+),[^\n]*\n([^#\n]+)/g)];
  return Promise.all(
    named.map(async ([, seconds, name]) => ({ name: name as string, seconds: Number(seconds), bytes: (await stat(join(folder, name as string))).size })),
  );
}

/** Tells of segments that are whole and new; those behind what an earlier call made are moved to their time first. */
async function tell({ into, onSegment, made, probe }: RenditionsCall, rendition: Rendition, known: number): Promise<number> {
  const folder = join(into, rendition.name);
  const segments = await readSegments(folder);
  for (const segment of segments.slice(known)) {
    if (made && made.segments > 0) {
      const { framesPerSecond } = probe.picture;
      const timescale = timescaleOf(await readFile(join(folder, 'init.mp4')));
      const ticks = (1_000 * framesOf(made, framesPerSecond) * timescale) / milliRate(framesPerSecond);
      const bytes = await readFile(join(folder, segment.name));
      moveSegment(bytes, Math.round(ticks), made.segments);
      await writeFile(join(folder, segment.name), bytes);
    }
    onSegment?.(rendition, segment);
  }
  return segments.length;
}
