import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '#infra/media/media.ts';
import { videoCodecOf } from '#infra/media/mp4.ts';
import { processLimits } from '#schemas/config/media.ts';
import { ladderFor, type Rendition, segmentSeconds } from '#schemas/media/ladder.ts';
import type { PictureTrack, Segment, Track } from '#schemas/media/playback.ts';
import { keepFrames, lookedAt, lookOf } from '../frames.ts';
import { type MediaJob, mediaTask } from '../job.ts';
import { masterPlaylist, mediaPlaylist } from '../playlists.ts';
import { probe } from './probe.ts';
import { scan } from './scan.ts';
import { type SoundResult, sound } from './sound.ts';

/** A file that ends earlier than this share of its stated length is damaged. */
const leastRead = 0.8;
/** How far it came is kept after so many segments: what a crash costs at most, and the store little. */
const keepEvery = 4;

/** Segments that are in the store for good, for each rendition the same number: the next run goes on behind them. */
interface Way {
  readonly segments: readonly (readonly Segment[])[];
}

/**
 * Every rendition from one decode. Segments go to the store while the next ones are encoded; as soon as the first of
 * the smallest rendition is there its creator can watch, by a list that grows. A run that was ended goes on behind
 * what the one before it stored.
 */
export const ladder = mediaTask({
  name: 'ladder',
  version: 1,
  needs: { probe, scan },
  meanwhile: { sound },
  of: 'content',
  weight: 80,
  async run(job, inputs, { signal, progress, kept, keep }): Promise<readonly PictureTrack[]> {
    const { picture, durationMs } = inputs.probe;
    const renditions = ladderFor(picture.width, picture.height);
    const into = join(job.scratch, 'ladder');
    await rm(into, { recursive: true, force: true });
    const before = ((await kept()) as Way | null)?.segments ?? renditions.map(() => []);
    const sender = new Sender(job, into, renditions, before, inputs.sound, picture.framesPerSecond, keep);
    await sender.begin();
    const of = lookedAt(renditions);
    const { segments: fresh, frames } = await job.media.renditions({
      file: job.original,
      probe: inputs.probe,
      renditions,
      into,
      limits: processLimits.ladder,
      signal,
      // Who goes on from the middle sees not all of it.
      ...(before[0]?.length ? {} : { look: { ...lookOf(of, durationMs / 1_000), of } }),
      made: { segments: before[0]?.length ?? 0, seconds: secondsOf(before[0] ?? []) },
      onProgress: (doneMs) => progress(Math.min(1, doneMs / durationMs)),
      onSegment: (rendition, segment) => sender.send(rendition, segment),
    });
    if (frames) keepFrames(job, frames);
    await sender.sent();
    const segments = fresh.map((own, i) => [...(before[i] ?? []), ...own]);
    const readMs = 1_000 * secondsOf(segments[0] ?? []);
    if (readMs < leastRead * durationMs) throw new Refusal('damaged', `it ends after ${Math.round(readMs)} ms of ${durationMs} ms`);
    return Promise.all(renditions.map((rendition, i) => sender.track(rendition, segments[i] as readonly Segment[])));
  },
});

const secondsOf = (segments: readonly Segment[]): number => segments.reduce((sum, s) => sum + s.seconds, 0);

/** Takes segments to the store one after another, in order: who fetches a list finds what it names. */
class Sender {
  readonly #job: MediaJob;
  readonly #into: string;
  readonly #renditions: readonly Rendition[];
  /** It is made meanwhile. */
  readonly #sound: Promise<SoundResult>;
  readonly #framesPerSecond: number;
  readonly #keep: (way: Way) => Promise<void>;
  /** For each rendition what is in the store. */
  readonly #stored: Segment[][];
  #kept: number;
  /** Segments that the growing list has named already: it never names fewer. */
  #listed = 0;
  #sending: Promise<void> = Promise.resolve();
  /** The smallest rendition can be watched, with its sound. */
  #premiere: Promise<void> = Promise.resolve();
  #failed: unknown = null;

  constructor(
    job: MediaJob,
    into: string,
    renditions: readonly Rendition[],
    before: readonly (readonly Segment[])[],
    sound: Promise<SoundResult>,
    framesPerSecond: number,
    keep: (way: Way) => Promise<void>,
  ) {
    this.#job = job;
    this.#into = into;
    this.#renditions = renditions;
    this.#sound = sound;
    this.#framesPerSecond = framesPerSecond;
    this.#keep = keep;
    this.#stored = before.map((segments) => [...segments]);
    this.#kept = before[0]?.length ?? 0;
  }

  get #first(): Rendition {
    return this.#renditions[0] as Rendition;
  }

  /** What plays already from an earlier run plays on. */
  async begin(): Promise<void> {
    if (this.#kept === 0) return;
    const list = (await this.#job.content.get(`${this.#first.name}/index.m3u8`))?.toString() ?? '';
    this.#listed = list.match(/^#EXTINF/gm)?.length ?? 0;
    if (this.#listed > 0 && (await this.#job.content.get('first.m3u8'))) this.#job.playable(this.#job.content.url('first.m3u8'));
    else this.#listed = 0;
  }

  send(rendition: Rendition, segment: Segment): void {
    this.#sending = this.#sending
      .then(() => (this.#failed ? undefined : this.#store(rendition, segment)))
      .catch((error) => {
        this.#failed ??= error;
      });
  }
  async sent(): Promise<void> {
    await this.#sending;
    await this.#premiere;
    if (this.#failed) throw this.#failed;
  }

  async track(rendition: Rendition, segments: readonly Segment[]): Promise<PictureTrack> {
    const init = await readFile(join(this.#into, rendition.name, 'init.mp4'));
    const { width, height, name: folder } = rendition;
    return { folder, codec: videoCodecOf(init), initBytes: init.length, segments, width, height, framesPerSecond: this.#framesPerSecond };
  }

  async #put(rendition: Rendition, name: string): Promise<void> {
    await this.#job.content.put(`${rendition.name}/${name}`, await readFile(join(this.#into, rendition.name, name)));
  }

  async #store(rendition: Rendition, segment: Segment): Promise<void> {
    const stored = this.#stored[this.#renditions.indexOf(rendition)] as Segment[];
    if (stored.length === 0) await this.#put(rendition, 'init.mp4');
    await this.#put(rendition, segment.name);
    stored.push(segment);
    if (rendition === this.#first && stored.length > this.#listed) await this.#show(stored);
    // The last one stays out: who goes on has always something left to make.
    const whole = Math.min(...this.#stored.map((s) => s.length)) - 1;
    if (whole < this.#kept + keepEvery) return;
    await this.#keep({ segments: this.#stored.map((s) => s.slice(0, whole)) });
    this.#kept = whole;
  }

  async #show(segments: readonly Segment[]): Promise<void> {
    await this.#job.content.put(`${this.#first.name}/index.m3u8`, mediaPlaylist(segments, false, segmentSeconds));
    const first = this.#listed === 0;
    this.#listed = segments.length;
    if (!first) return;
    const picture = await this.track(this.#first, segments);
    this.#premiere = this.#sound
      .then(({ track }) => this.#open(picture, track))
      .catch((error) => {
        this.#failed ??= error;
      });
  }

  async #open(picture: PictureTrack, sound: Track | null): Promise<void> {
    const { content } = this.#job;
    if (sound) await content.put('sound/index.m3u8', mediaPlaylist(sound.segments, true));
    await content.put('first.m3u8', masterPlaylist([picture], sound));
    this.#job.playable(content.url('first.m3u8'));
  }
}
