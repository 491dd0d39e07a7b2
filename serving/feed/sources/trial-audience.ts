import type { FeedQuery } from '../query.ts';

/** A video that so many have been shown waits for others while more than this share of them is of one kind. */
const before = 20;
const mostOfOneKind = 0.6;
/** Requests and videos that are remembered. */
const remembered = 10_000;

/** What kind of viewer asks: where he is, how well he is known, and what he likes most. */
export const kindsOf = ({ region, viewer }: Pick<FeedQuery, 'region' | 'viewer'>): readonly string[] => [
  `region ${region}`,
  `step ${viewer.step}`,
  `taste ${viewer.topics.keys().next().value ?? ''}`,
];

interface Counts {
  total: number;
  readonly byKind: Map<string, number>;
}
const share = (counts: Counts, kind: string): number => (counts.total === 0 ? 0 : (counts.byKind.get(kind) ?? 0) / counts.total);
const add = (counts: Counts, kinds: readonly string[]): void => {
  counts.total++;
  for (const kind of kinds) counts.byKind.set(kind, (counts.byKind.get(kind) ?? 0) + 1);
};

/**
 * Whom pools have shown which video, by kind of viewer, as far as this process has seen: a spread is a matter of
 * degree, so it needs no memory beyond a restart. Where viewers are is counted online as well, for all processes.
 */
export class TrialAudience {
  readonly #all: Counts = { total: 0, byKind: new Map() };
  readonly #videos = new Map<string, Counts>();

  /** Somebody asked for a feed. */
  met(kinds: readonly string[]): void {
    add(this.#all, kinds);
    if (this.#all.total < remembered) return;
    // Who came lately says more of who will come.
    this.#all.total /= 2;
    for (const [kind, n] of this.#all.byKind) {
      if (n < 2) this.#all.byKind.delete(kind);
      else this.#all.byKind.set(kind, n / 2);
    }
  }

  shown(videoId: string, kinds: readonly string[]): void {
    const counts = this.#videos.get(videoId) ?? { total: 0, byKind: new Map() };
    this.#videos.delete(videoId);
    if (this.#videos.size >= remembered) this.#videos.delete(this.#videos.keys().next().value as string);
    this.#videos.set(videoId, counts);
    add(counts, kinds);
  }

  /** Whether a video has met so many of one of these kinds that it waits for others. Nobody is asked to wait for viewers who do not come. */
  waits(videoId: string, kinds: readonly string[]): boolean {
    const counts = this.#videos.get(videoId);
    return counts !== undefined && counts.total >= before && kinds.some((kind) => this.tooMany(kind, share(counts, kind)));
  }

  /** Whether `part` of a video's viewers is more of one kind than there should be: most of them, and more than come. */
  tooMany(kind: string, part: number): boolean {
    return part > Math.max(mostOfOneKind, share(this.#all, kind));
  }
}
