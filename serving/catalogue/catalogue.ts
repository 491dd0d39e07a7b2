import type { ChangeListener, OnlineStore } from '#infra/online/online.ts';
import { creatorRates, videoRates } from '#schemas/features/ranking.ts';
import { creatorView, videoView } from '#schemas/features/views/engagement.ts';
import { type VideoCard, videoCard } from '#schemas/features/views/videos.ts';
import { hashOf } from '../ranking/noise.ts';
import { type Kept, KeptColumns, Missing } from './kept-columns.ts';

/** What this process knows of one video. One lookup finds all of it: a request asks for a thousand. */
export class KnownVideo {
  readonly id: string;
  /** Of the id, for draws. */
  readonly hash: number;
  /** Event time of `card`: the later of two facts wins, and at a tie the removal. */
  timeMs = Number.NEGATIVE_INFINITY;
  /** Null for a removed or unknown video. */
  card: VideoCard | null = null;
  /** Where its features are kept, and its creator's. */
  readonly features: Kept;
  creator: Kept | null = null;
  /** Place among the vectors of `placedIn`, -1 for none. */
  place = -1;
  placedIn: object | null = null;

  constructor(id: string, columns: KeptColumns) {
    this.id = id;
    this.hash = hashOf(id);
    this.features = { columns, row: columns.add(id) };
  }
}

/** So many videos are kept; some kilobyte each. */
const most = 300_000;
/** A catalogue up to this size is learnt ahead of requests, so many at once: it keeps the process busy for some milliseconds. */
const mostAhead = most / 2;
const aheadAtOnce = 256;

/**
 * Videos in memory, in front of the online store. While the log is followed, what is here is as new as the log:
 * a publication and a removal count within milliseconds. While it is not, the store is asked each time.
 */
export class Catalogue implements ChangeListener {
  readonly #online: OnlineStore;
  readonly #known = new Map<string, KnownVideo>();
  #columns: KeptColumns;
  readonly #creators = new Map<string, Kept>();
  #creatorColumns: KeptColumns;
  /** Removed videos: few, and asked for often. */
  readonly #gone = new Set<string>();
  /** Topics and creators as one string each: comparing what is the same costs nothing. */
  readonly #names = new Map<string, string>();
  #following = false;
  #told = false;
  #timer: NodeJS.Timeout | undefined;
  #ahead: { readonly ids: readonly string[]; next: number } = { ids: [], next: 0 };

  constructor(online: OnlineStore) {
    this.#online = online;
    this.#columns = new KeptColumns(videoView, videoRates, false);
    this.#creatorColumns = new KeptColumns(creatorView, creatorRates, false);
  }

  get told(): boolean {
    return this.#told;
  }
  set told(value: boolean) {
    this.#told = value;
    for (const columns of [this.#columns, this.#creatorColumns]) columns.told = value;
    this.#ahead = { ids: [], next: 0 };
  }

  /** Every so often fetches what has changed, and learns some of the videos that requests will ask for. */
  start(everyMs: number, expected: () => readonly string[]): void {
    let running = false;
    const refresh = async () => {
      if (running) return;
      running = true;
      const nowMs = Date.now();
      // What fails here is fetched by the requests that need it, and said there.
      await Promise.allSettled([
        ...[this.#columns, this.#creatorColumns].map((columns) => columns.refresh(this.#online, nowMs)),
        this.learnAhead(expected(), nowMs),
      ]);
      running = false;
    };
    this.#timer = setInterval(() => void refresh(), everyMs);
  }

  /** Learns the next of a list of videos with their features: the first request for each would have to wait. */
  async learnAhead(ids: readonly string[], nowMs: number): Promise<void> {
    if (this.#ahead.ids !== ids) this.#ahead = { ids, next: 0 };
    const ahead = this.#ahead;
    if (!this.#told || !this.#following || ahead.next >= ids.length || ids.length > mostAhead) return;
    const part = ids.slice(ahead.next, ahead.next + aheadAtOnce);
    const missing = new Missing(nowMs);
    for (const video of await this.videos(part)) {
      missing.need(video.features);
      if (video.creator) missing.need(video.creator);
    }
    await missing.fetch(this.#online);
    ahead.next += part.length;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  changed(view: string, entity: string): void {
    const kept = view === videoView.name ? this.#known.get(entity)?.features : view === creatorView.name ? this.#creators.get(entity) : undefined;
    kept?.columns.changed(kept.row);
  }

  get following(): boolean {
    return this.#following;
  }
  /** What is missed while nothing follows the log is unknown: it begins anew then. */
  set following(value: boolean) {
    if (!value) this.#forget();
    this.#following = value;
  }

  /** Whether it is known to have been removed. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** Null for a removed video, undefined for one that nobody asked for yet. */
  card(id: string): VideoCard | null | undefined {
    return this.#known.get(id)?.card;
  }

  learn(id: string, timeMs: number, card: VideoCard | null): KnownVideo {
    if (this.#known.size >= most) this.#forget();
    const video = this.#known.get(id) ?? new KnownVideo(id, this.#columns);
    this.#known.set(id, video);
    const older = timeMs < video.timeMs || (timeMs === video.timeMs && video.card === null);
    return older ? video : this.#tell(video, timeMs, card);
  }

  #tell(video: KnownVideo, timeMs: number, card: VideoCard | null): KnownVideo {
    video.timeMs = timeMs;
    video.card = card && { ...card, creatorId: this.#name(card.creatorId), topics: card.topics.map((topic) => this.#name(topic)) };
    video.creator = card && this.#creator(card.creatorId);
    if (card) this.#gone.delete(video.id);
    else if (Number.isFinite(timeMs) && this.#following) this.#gone.add(video.id);
    return video;
  }

  #name(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (this.#names.size >= most) this.#names.clear();
    this.#names.set(text, text);
    return text;
  }

  /** Requests that have begun keep what they hold: the next ones begin with columns of their own. */
  #forget(): void {
    this.#known.clear();
    this.#gone.clear();
    this.#names.clear();
    this.#ahead = { ids: [], next: 0 };
    this.#columns = this.#anew(this.#columns, new KeptColumns(videoView, videoRates, this.#told));
  }

  /** Of the rows of the old ones nobody will hear. */
  #anew(old: KeptColumns, columns: KeptColumns): KeptColumns {
    old.told = false;
    return columns;
  }

  #creator(id: string): Kept {
    const known = this.#creators.get(id);
    if (known) return known;
    if (this.#creators.size >= most) {
      this.#creators.clear();
      this.#creatorColumns = this.#anew(this.#creatorColumns, new KeptColumns(creatorView, creatorRates, this.#told));
    }
    const made = { columns: this.#creatorColumns, row: this.#creatorColumns.add(id) };
    this.#creators.set(id, made);
    return made;
  }

  /** All of them, in their order; the store is asked once for what is not known. */
  async videos(ids: readonly string[]): Promise<KnownVideo[]> {
    const found: (KnownVideo | undefined)[] = new Array(ids.length);
    const unknown: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      found[i] = this.#following ? this.#known.get(ids[i] as string) : undefined;
      if (!found[i]) unknown.push(i);
    }
    if (unknown.length > 0) {
      const values = await this.#online.values(
        videoCard,
        unknown.map((i) => ids[i] as string),
      );
      const passing = new KeptColumns(videoView, videoRates, false);
      unknown.forEach((i, at) => {
        found[i] = this.#read(ids[i] as string, values[at] ?? null, passing);
      });
    }
    return found as KnownVideo[];
  }

  /** What the log said while the store was asked is newer. A video that the store does not know may come any moment: its absence is not kept. */
  #read(id: string, stored: Buffer | null, passing: KeptColumns): KnownVideo {
    if (this.#following && (stored || this.#known.has(id)))
      return this.learn(id, stored?.readDoubleLE(0) ?? Number.NEGATIVE_INFINITY, bodyOf<VideoCard>(stored));
    return this.#tell(new KnownVideo(id, passing), 0, bodyOf<VideoCard>(stored));
  }
}

/** A stored card is an f64 time in front of its body; an empty body withdraws it. */
export function bodyOf<T>(stored: Buffer | null): T | null {
  return !stored || stored.length <= 8 ? null : (JSON.parse(stored.toString('utf8', 8)) as T);
}
