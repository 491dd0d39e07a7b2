import type { VideoCard } from '#schemas/features/views/videos.ts';
import { fact, factWidth, type VideoTable } from '../catalogue/video-table.ts';
import { type Fate, found } from '../engine/pipeline.ts';
import { type FeedCandidates, rowWidth } from './candidates.ts';
import type { FeedCandidate, FeedQuery } from './query.ts';

/**
 * A candidate beside its columns. What only the few that are shown need is read where it lies: names, cards and rows of
 * some hundred would be most of what this costs.
 */
class Chosen implements FeedCandidate {
  readonly at: number;
  readonly sources: readonly string[];
  readonly video: number;
  readonly creator: number;
  readonly topic: number;
  readonly hash: number;
  readonly seen: boolean;
  score: number;
  scorer = '';
  fate: Fate = found;
  reason = '';
  propensity = 1;
  drawPlace = 0;
  outcomes: FeedCandidate['outcomes'] = null;
  #json = '';
  #card: VideoCard | null = null;
  readonly #videos: VideoTable;
  readonly #candidates: FeedCandidates;

  constructor(videos: VideoTable, c: FeedCandidates, at: number, sources: readonly string[]) {
    const facts = at * factWidth;
    this.at = at;
    this.sources = sources;
    this.video = c.items[at] as number;
    this.creator = c.facts[facts + fact.creator] as number;
    this.topic = (c.facts[facts + fact.topics] as number) > 0 ? (videos.topics[c.facts[facts + fact.topicsAt] as number] as number) : -1;
    this.hash = c.facts[facts + fact.hash] as number;
    this.seen = c.seen[at] === 1;
    this.score = c.score[at] as number;
    this.#videos = videos;
    this.#candidates = c;
  }

  get id(): string {
    return this.#videos.ids[this.video] as string;
  }
  /** As it stands at the moment: a video may be removed after it was chosen. */
  get card(): VideoCard | null {
    const json = this.#videos.cardJson(this.video);
    if (json !== this.#json) {
      this.#json = json;
      this.#card = this.#videos.card(this.video);
    }
    return this.#card;
  }
  get features(): Float32Array {
    return this.#candidates.features.subarray(this.at * rowWidth, (this.at + 1) * rowWidth);
  }
  feature(place: number): number {
    return this.#candidates.features[this.at * rowWidth + place] as number;
  }
}

/** What is made of the candidates at some places. */
export function chosen({ videos }: FeedQuery, c: FeedCandidates, places: Int32Array, sources: (at: number) => readonly string[]): FeedCandidate[] {
  const made: FeedCandidate[] = [];
  for (const at of places) made.push(new Chosen(videos, c, at, sources(at)));
  return made;
}

/** A candidate that is shown: it outlives the columns of its request. */
export function shown(c: FeedCandidate): FeedCandidate {
  const features = c.features.slice();
  return { ...c, id: c.id, card: c.card, features, feature: (place) => features[place] as number };
}
