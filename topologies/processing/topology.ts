import type { EventProducer } from '#infra/producer/producer.ts';
import { copyFound } from '#schemas/events/copy-found.ts';
import { moderationDecided } from '#schemas/events/moderation-decided.ts';
import { soundMatched } from '#schemas/events/sound-matched.ts';
import { type VideoProgress, videoProgress } from '#schemas/events/video-progress.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { videoRejected } from '#schemas/events/video-rejected.ts';
import { type VideoUploaded, videoUploaded } from '#schemas/events/video-uploaded.ts';
import { steps } from '../engine/steps.ts';
import { type Topology, topology, work } from '../engine/topology.ts';
import { dedupe } from '../steps/dedupe.ts';
import { hasIds } from '../steps/ids.ts';
import { inTime } from '../steps/times.ts';
import type { Held, Outcome } from './outcome.ts';
import { type ProcessingServices, processVideo, type Watcher } from './process-video.ts';
import { processing } from './processing.ts';
import { decideOnce, holdOnce, readHeld, readOutcome } from './results.ts';

const sayEveryMs = 1_000;
const totalWeight = processing.reduce((sum, t) => sum + t.weight, 0);

export const processingGroup = 'video-processing';

/** From `video-uploaded` to exactly one of `video-published` and `video-rejected`; see `work-sink.ts` for W1 to W5. */
export function processingTopology(services: ProcessingServices, producer: EventProducer, concurrency: number, at?: Watcher['at']): Topology {
  return topology(processingGroup, {
    source: videoUploaded,
    steps: steps(hasIds('eventId', 'videoId', 'creatorId'), inTime, dedupe),
    sink: work<VideoUploaded>({
      concurrency,
      owner: (video) => video.creatorId,
      // Bytes stand for seconds of work: nothing else is known before it begins.
      cost: (video) => video.sizeBytes,
      async run(video, signal, step) {
        const teller = new Teller(services, producer, video);
        await step('W2');
        let end: Outcome | Held | null = (await readOutcome(services.blobs, video.videoId)) ?? (await readHeld(services.blobs, video.videoId));
        if (!end) {
          const ended = stamped(await processVideo(services, video, signal, { ...teller.watcher, ...(at ? { at } : {}) }), teller.now());
          await step('W3');
          end = ended.kind === 'held' ? await holdOnce(services.blobs, ended) : await decideOnce(services.blobs, video.videoId, ended);
        }
        await teller.silence();
        await step('W4');
        if (end.moderation) await producer.send(moderationDecided, [end.moderation]);
        if (end.copy) await producer.send(copyFound, [end.copy]);
        if (end.sound) await producer.send(soundMatched, [end.sound]);
        if (end.kind === 'held') await teller.held(end);
        else await sendEnd(producer, end);
      },
    }),
  });
}

/** The end is later than all that was said on the way to it. */
const stamped = <E extends Outcome | Held>(end: E, occurredAt: number): E => ({ ...end, event: { ...end.event, occurredAt } });

export const sendEnd = (producer: EventProducer, end: Outcome): Promise<void> =>
  end.kind === 'published' ? producer.send(videoPublished, [end.event]) : producer.send(videoRejected, [end.event]);

/** Says how far an upload has come, not too often. What cannot be said is left unsaid: nothing depends on it. */
class Teller {
  readonly #services: ProcessingServices;
  readonly #producer: EventProducer;
  readonly #video: VideoUploaded;
  readonly #done = new Map<string, number>();
  #hlsUrl = '';
  #saidAt = 0;
  #lastMs = 0;
  #saying: Promise<void> = Promise.resolve();

  constructor(services: ProcessingServices, producer: EventProducer, video: VideoUploaded) {
    this.#services = services;
    this.#producer = producer;
    this.#video = video;
  }

  /** Later than everything that was said before, and than the upload. */
  now(): number {
    this.#lastMs = Math.max(this.#services.clock.now(), this.#lastMs + 1, this.#video.occurredAt + 1);
    return this.#lastMs;
  }

  get watcher(): Watcher {
    return {
      onStep: (name, what, done) => {
        this.#done.set(name, Math.max(done, this.#done.get(name) ?? 0));
        if (what === 'waits') this.#say('waiting', name, `${name} waits for something that does not answer`);
        else if (what !== 'goes on' || Date.now() - this.#saidAt > sayEveryMs) this.#say(this.#hlsUrl ? 'playable' : 'processing', name, '');
      },
      onPlayable: (url) => {
        this.#hlsUrl = url;
        this.#say('playable', 'ladder', '');
      },
    };
  }

  #say(state: VideoProgress['state'], task: string, detail: string): void {
    this.#saidAt = Date.now();
    const weighted = processing.reduce((sum, t) => sum + t.weight * (this.#done.get(t.name) ?? 0), 0);
    const occurredAt = this.now();
    const { videoId, creatorId } = this.#video;
    const percent = Math.floor((100 * weighted) / totalWeight);
    const event = { eventId: `${videoId}/${occurredAt}`, videoId, creatorId, occurredAt, state, task, percent, detail, hlsUrl: this.#hlsUrl };
    this.#saying = this.#saying.then(() => this.#producer.send(videoProgress, [event])).catch(() => {});
  }

  /** Its time and id are those of the hold, so that saying it again changes nothing. */
  async held({ event, moderation }: Held): Promise<void> {
    const { videoId, creatorId, occurredAt } = event;
    const detail = `a reviewer looks at it: ${moderation.reason}`;
    await this.#producer.send(videoProgress, [
      { eventId: `${videoId}/held`, videoId, creatorId, occurredAt, state: 'held', task: 'moderate', percent: 100, detail, hlsUrl: event.hlsUrl },
    ]);
  }

  /** Nothing is said after this. */
  async silence(): Promise<void> {
    await this.#saying;
  }
}
