import type { EngagementKind } from '#schemas/events/engagement.ts';
import { fixed, type Random } from '../engine/random.ts';

/** What a viewer knows of a video before watching it. */
export interface Shown {
  readonly videoId: string;
  readonly topics: readonly string[];
  readonly durationMs: number;
}
export interface Reaction {
  readonly watchedMs: number;
  readonly loops: number;
  readonly signals: readonly EngagementKind[];
  readonly completed: boolean;
}

/**
 * A model of a person: tastes over topics, patience, and how readily signals are given. How much
 * a video appeals is the viewer's taste for its topic, the video's own hidden quality and the mood
 * of the moment; from that follow leaving at once, leaving midway, watching to the end, replaying,
 * and signals.
 */
export class Viewer {
  readonly userId: string;
  readonly region: string;
  readonly #tastes: ReadonlyMap<string, number>;
  readonly #generosity: number;
  readonly #seed: number;

  constructor(userId: string, topics: readonly string[], regions: readonly string[], random: Random, seed: number) {
    this.userId = userId;
    this.region = random.pick(regions);
    this.#generosity = 0.3 + 0.7 * random.next();
    this.#seed = seed;
    // A few loves, a few dislikes, the rest somewhere below the middle.
    const order = [...topics].map((topic) => ({ topic, at: random.next() })).sort((a, b) => a.at - b.at);
    this.#tastes = new Map(order.map(({ topic }, i) => [topic, i < 3 ? 0.8 + 0.2 * random.next() : i < 6 ? 0.1 * random.next() : 0.15 + 0.3 * random.next()]));
  }

  /** How much a video appeals on average, 0 to 1. */
  appeal(video: Shown): number {
    const topic = video.topics[0] ?? '';
    const taste = this.#tastes.get(topic) ?? 0.2 + 0.5 * fixed(`${this.userId} ${topic}`, this.#seed);
    return 0.7 * taste + 0.3 * fixed(video.videoId, this.#seed);
  }

  watch(video: Shown, random: Random): Reaction {
    const durationMs = video.durationMs > 0 ? video.durationMs : 15_000;
    const liking = Math.min(1, Math.max(0, this.appeal(video) + 0.12 * random.normal()));
    if (random.chance(0.75 * (1 - liking) ** 2))
      return {
        watchedMs: Math.min(durationMs - 1, 200 + random.below(1_700)),
        loops: 0,
        signals: random.chance(0.01 * (1 - liking)) ? ['notInterested'] : [],
        completed: false,
      };
    const completed = random.chance(liking ** 1.5);
    const loops = completed && random.chance(0.2 * liking) ? 1 + random.below(2) : 0;
    const fraction = completed ? 1 : 0.1 + 0.8 * random.next() * liking;
    const signals = (['like', 'comment', 'share', 'follow'] as const).filter((_kind, i) =>
      random.chance(this.#generosity * liking ** 3 * ([0.25, 0.04, 0.04, 0.03][i] as number)),
    );
    return { watchedMs: Math.round(durationMs * (fraction + loops)), loops, signals, completed };
  }
}
