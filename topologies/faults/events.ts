import { exposureReason } from '#schemas/config/exposure.ts';
import type { Engagement } from '#schemas/events/engagement.ts';
import { Random } from '../../jobs/engine/random.ts';
import { makeCatalogue, regions, topics } from '../../jobs/simulate/catalogue.ts';
import { Viewer } from '../../jobs/simulate/viewer.ts';

const kinds = ['watch', 'watch', 'watch', 'watch', 'like', 'unlike', 'share', 'comment', 'follow', 'report', 'notInterested'] as const;

/** Events that differ in everything that matters, reproducible from their number. */
export function makeEngagement(i: number, run: string, nowMs: number): Engagement {
  const kind = kinds[(i * 7) % kinds.length] as Engagement['kind'];
  const durationMs = 4_000 + ((i * 37) % 30) * 1_000;
  return {
    eventId: `${run}-${i}`,
    userId: `user-${(i * 13) % 41}`,
    videoId: `video-${(i * 17) % 59}`,
    kind,
    occurredAt: nowMs - ((i * 997) % 86_400) * 1_000,
    watchedMs: kind === 'watch' ? (i * 811) % (2 * durationMs) : 0,
    durationMs,
    loops: i % 9 === 0 ? 1 : 0,
    playbackRate: 1,
    creatorId: `creator-${(i * 17) % 7}`,
    topic: `topic-${(i * 5) % 11}`,
    region: ['DE', 'FR', 'US'][i % 3] as string,
    requestId: '',
    position: -1,
    arm: '',
    reason: i % 5 === 0 ? exposureReason : '',
  };
}

/**
 * Simulated viewers (the audience of the demo) who sit before videos: each view with the answers that it moved its
 * viewer to, some hours old. The seed decides everything but the moment.
 */
export class Sittings {
  readonly #random: Random;
  readonly #viewers: readonly Viewer[];
  readonly #videos: ReturnType<typeof makeCatalogue>;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#videos = makeCatalogue(60, seed, 0);
    this.#viewers = Array.from({ length: 40 }, (_, i) => new Viewer(`viewer-${i}`, topics, regions, this.#random, seed));
  }

  /** What one viewer does with one video, with ids that begin with `run`. */
  next(run: string, nowMs: number): Engagement[] {
    const [viewer, video] = [this.#random.pick(this.#viewers), this.#random.pick(this.#videos)];
    const { watchedMs, loops, signals } = viewer.watch(video, this.#random);
    const { videoId, creatorId, durationMs } = video;
    const occurredAt = nowMs - this.#random.below(86_400_000);
    const facts = { userId: viewer.userId, region: viewer.region, videoId, creatorId, durationMs, topic: video.topics[0] ?? '' };
    const nothing = { watchedMs: 0, loops: 0, playbackRate: 1, requestId: '', position: -1, arm: '', reason: '' };
    const watch = { ...nothing, ...facts, eventId: `${run}-watch`, kind: 'watch' as const, occurredAt, watchedMs, loops };
    return [watch, ...signals.map((kind, i) => ({ ...nothing, ...facts, eventId: `${run}-${kind}`, kind, occurredAt: occurredAt + 1 + i }))];
  }
}

/** Bad events of each kind with the reason that each must be rejected for. */
export function badEngagements(run: string, nowMs: number): { event: Engagement; reason: string }[] {
  const base = (what: string): Engagement => ({ ...makeEngagement(1, run, nowMs), kind: 'watch', eventId: `${run}-bad-${what}` });
  return [
    { event: { ...base('negative'), watchedMs: -5 }, reason: 'watch-out-of-range' },
    { event: { ...base('future'), occurredAt: nowMs + 86_400_000 }, reason: 'time-in-future' },
    { event: { ...base('ancient'), occurredAt: 1 }, reason: 'time-out-of-range' },
    { event: { ...base('nan'), playbackRate: Number.NaN }, reason: 'rate-out-of-range' },
    { event: { ...base('long'), topic: 'x'.repeat(1_048_576) }, reason: 'string-too-long' },
    { event: { ...base('empty'), videoId: '' }, reason: 'id-missing' },
  ];
}
