import { creatorRates, videoRates } from '#schemas/features/ranking.ts';
import { creatorView, videoView } from '#schemas/features/views/engagement.ts';
import type { VideoCard } from '#schemas/features/views/videos.ts';
import { hashOf } from '../ranking/noise.ts';
import { KeptColumns } from './kept-columns.ts';

/** Where the facts of a video lie among its numbers: eight of 32 bits, of which the last two make one of 64. */
export const fact = { flags: 0, creator: 1, durationMs: 2, hash: 3, topicsAt: 4, topics: 5 } as const;
export const factWidth = 8;
const publishedAt = 3;

/** Bits of `flags`; from `minAge` on the years. */
export const flag = { known: 1, visible: 2, blocked: 4, limited: 8, restricted: 16 } as const;
const minAgeAt = 8;
const noFlags = 0;
const nobody = -1;

export const minAgeOf = (flags: number): number => flags >>> minAgeAt;

function flagsOf(card: VideoCard): number {
  return (
    flag.known |
    flag.visible |
    (card.moderation === 'blocked' ? flag.blocked : 0) |
    (card.moderation === 'limited' ? flag.limited : 0) |
    ((card.blockedRegions?.length ?? 0) > 0 ? flag.restricted : 0) |
    ((card.minAge ?? 0) << minAgeAt)
  );
}

/** Numbers by number, each found when it is first asked for. */
class Lazy {
  #values: Int32Array;
  readonly #find: (at: number) => number;
  static readonly #unknown = -2;

  constructor(size: number, find: (at: number) => number) {
    this.#values = new Int32Array(size).fill(Lazy.#unknown);
    this.#find = find;
  }
  get(at: number): number {
    if (at >= this.#values.length) {
      const more = new Int32Array(Math.max(at + 1, 2 * this.#values.length)).fill(Lazy.#unknown);
      more.set(this.#values);
      this.#values = more;
    }
    const known = this.#values[at] as number;
    if (known !== Lazy.#unknown) return known;
    const found = this.#find(at);
    this.#values[at] = found;
    return found;
  }
}

/** The same for few of many: what one request asks for. */
class LazyFew {
  readonly #values = new Map<number, number>();
  readonly #find: (at: number) => number;

  constructor(find: (at: number) => number) {
    this.#find = find;
  }
  get(at: number): number {
    const known = this.#values.get(at);
    if (known !== undefined) return known;
    const found = this.#find(at);
    this.#values.set(at, found);
    return found;
  }
}

const sharedNumbers = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * count));

/** Names by number, in the order in which they came. */
class Names {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();
  get(name: string): number | undefined {
    return this.#numbers.get(name);
  }
  add(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.push(name) - 1;
    this.#numbers.set(name, number);
    return number;
  }
}

/**
 * Videos by number, with a column for each thing that requests ask of a thousand of them. What a request costs is
 * mostly its way through memory: facts of one video lie in half a line of the cache, and its features behind each
 * other, so that each is fetched once, many at a time. Numbers mean something within one table only.
 */
export class VideoTable {
  /** Features of videos, and of creators, by their numbers. */
  readonly features: KeptColumns;
  readonly creatorFeatures: KeptColumns;
  /** Removed videos: few, and asked for often. */
  readonly gone = new Set<number>();
  /**
   * Cards by number as JSON, empty for a removed video and for one that nothing is known of. A request shows ten of them; as
   * objects they would be a million for the collector to walk through.
   */
  readonly #cards: string[] = [];
  /** Of those that are not shown everywhere. */
  readonly #blockedRegions = new Map<number, readonly string[]>();
  /** Numbers of topics; those of one video lie behind each other, from `topicsAt`. Threads see them. */
  topics = sharedNumbers(1_024);
  readonly #videos = new Names();
  readonly #creators = new Names();
  readonly #topicNames = new Names();
  readonly #times: number[] = [];
  #topicsEnd = 0;
  #facts = new Int32Array(1_024 * factWidth);
  #published = new Float64Array(this.#facts.buffer);
  readonly #lists = new WeakMap<readonly string[], Int32Array>();
  readonly #columns = new WeakMap<object, Lazy | LazyFew>();
  readonly #lasting: boolean;

  /** `told`: whether the store tells of changes; `lasting`: whether more than one request will read it. */
  constructor({ told, lasting }: { readonly told: boolean; readonly lasting: boolean }) {
    this.#lasting = lasting;
    this.features = new KeptColumns(videoView, videoRates, told);
    this.creatorFeatures = new KeptColumns(creatorView, creatorRates, told);
  }

  get size(): number {
    return this.#cards.length;
  }
  get ids(): readonly string[] {
    return this.#videos.names;
  }
  creatorNumber(id: string): number | undefined {
    return this.#creators.get(id);
  }
  topicNumber(name: string): number | undefined {
    return this.#topicNames.get(name);
  }
  /** Undefined for one that nobody asked for. */
  known(id: string): number | undefined {
    return this.#videos.get(id);
  }

  /** The number of a video; one that nobody asked for yet is given one. */
  number(id: string): number {
    const number = this.#videos.add(id);
    if (number === this.#cards.length) this.#add(id);
    return number;
  }
  numbers(ids: readonly string[]): Int32Array {
    const numbers = new Int32Array(ids.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = this.number(ids[i] as string);
    return numbers;
  }
  /** The same for a list that many requests share. */
  numbersOfShared(ids: readonly string[]): Int32Array {
    const known = this.#lists.get(ids);
    if (known) return known;
    const made = this.numbers(ids);
    this.#lists.set(ids, made);
    return made;
  }
  /** Numbers of the videos of an index, by their labels in it. */
  ofLabels({ ids }: { readonly ids: readonly string[] }): Lazy | LazyFew {
    return this.#lazy(ids, ids.length, (label) => this.number(ids[label] as string));
  }
  /** Numbers of these of an index, but for those that were removed since. */
  standing(index: { readonly ids: readonly string[] }, labels: ArrayLike<number>): Int32Array {
    const numbers = this.ofLabels(index);
    const found = new Int32Array(labels.length);
    for (let i = 0; i < found.length; i++) found[i] = numbers.get(labels[i] as number);
    return this.gone.size === 0 ? found : found.filter((video) => !this.gone.has(video));
  }
  /** Labels in an index by the numbers of videos, -1 where it has none. */
  labelsIn({ places }: { readonly places: ReadonlyMap<string, number> }): Lazy | LazyFew {
    return this.#lazy(places, this.size, (number) => places.get(this.ids[number] as string) ?? nobody);
  }
  /** The same of many: of those of `videos` at some places. */
  labelsOf(index: { readonly places: ReadonlyMap<string, number> }, videos: Int32Array, places: Int32Array): Int32Array {
    const labels = this.labelsIn(index);
    const found = new Int32Array(places.length);
    for (let i = 0; i < found.length; i++) found[i] = labels.get(videos[places[i] as number] as number);
    return found;
  }
  #lazy(of: object, size: number, find: (at: number) => number): Lazy | LazyFew {
    const known = this.#columns.get(of);
    if (known) return known;
    const made = this.#lasting ? new Lazy(size, find) : new LazyFew(find);
    this.#columns.set(of, made);
    return made;
  }

  /** Gathers the facts of many videos behind each other. */
  gather(videos: Int32Array, count: number, into: Int32Array): void {
    const facts = this.#facts;
    for (let i = 0; i < count; i++) {
      const from = (videos[i] as number) * factWidth;
      for (let k = 0, to = i * factWidth; k < factWidth; k++) into[to + k] = facts[from + k] as number;
    }
  }

  isKnown(video: number): boolean {
    return ((this.#facts[video * factWidth + fact.flags] as number) & flag.known) !== 0;
  }
  creatorOf(video: number): number {
    return this.#facts[video * factWidth + fact.creator] as number;
  }

  #add(id: string): void {
    const video = this.#cards.push('') - 1;
    if (video * factWidth >= this.#facts.length) {
      const more = new Int32Array(2 * this.#facts.length);
      more.set(this.#facts);
      this.#facts = more;
      this.#published = new Float64Array(more.buffer);
    }
    this.features.add(id);
    this.#times.push(Number.NEGATIVE_INFINITY);
    const at = video * factWidth;
    this.#facts[at + fact.creator] = nobody;
    this.#facts[at + fact.hash] = hashOf(id);
  }

  /** Of two facts the later wins, and at a tie the removal. Returns the card that stands. `json` is the card, for who has it as that. */
  learn(video: number, timeMs: number, card: VideoCard | null, json = card ? JSON.stringify(card) : ''): VideoCard | null {
    const knownMs = this.#times[video] as number;
    if (timeMs < knownMs || (timeMs === knownMs && this.#cards[video] === '')) return this.card(video);
    this.#cards[video] = json;
    this.#tell(video, timeMs, card);
    return card;
  }

  /** Null for a removed video and for one that nothing is known of. */
  card(video: number): VideoCard | null {
    const json = this.cardJson(video);
    return json === '' ? null : (JSON.parse(json) as VideoCard);
  }
  /** The same string for as long as the card stands. */
  cardJson(video: number): string {
    return this.#cards[video] as string;
  }
  isBlockedIn(region: string, video: number): boolean {
    return this.#blockedRegions.get(video)?.includes(region) === true;
  }

  #tell(video: number, timeMs: number, card: VideoCard | null): void {
    this.#times[video] = timeMs;
    const at = video * factWidth;
    this.#blockedRegions.delete(video);
    if (!card) {
      // One that the store does not know may come at any moment: its absence is not kept.
      this.#facts[at + fact.flags] = Number.isFinite(timeMs) ? flag.known : noFlags;
      if (Number.isFinite(timeMs)) this.gone.add(video);
      return;
    }
    this.gone.delete(video);
    const creator = this.#creators.add(card.creatorId);
    if (creator === this.creatorFeatures.size) this.creatorFeatures.add(card.creatorId);
    const topics = card.topics.map((topic) => this.#topicNames.add(topic));
    if ((card.blockedRegions?.length ?? 0) > 0) this.#blockedRegions.set(video, card.blockedRegions);
    this.#facts[at + fact.flags] = flagsOf(card);
    this.#facts[at + fact.creator] = creator;
    this.#facts[at + fact.durationMs] = card.durationMs;
    this.#published[at / 2 + publishedAt] = card.publishedAt;
    this.#keepTopics(at, topics);
  }

  #keepTopics(at: number, topics: readonly number[]): void {
    // As many as before take the same room.
    const again = (this.#facts[at + fact.topics] as number) >= topics.length;
    const from = again ? (this.#facts[at + fact.topicsAt] as number) : this.#topicsEnd;
    if (!again) {
      this.#topicsEnd += topics.length;
      if (this.#topicsEnd > this.topics.length) {
        const more = sharedNumbers(2 * this.#topicsEnd);
        more.set(this.topics);
        this.topics = more;
      }
    }
    this.topics.set(topics, from);
    this.#facts[at + fact.topicsAt] = from;
    this.#facts[at + fact.topics] = topics.length;
  }
}

/** When the video at a place among gathered facts was published: `times` is a view of the same memory. */
export const publishedAtOf = (times: Float64Array, at: number): number => times[(at * factWidth) / 2 + publishedAt] as number;
