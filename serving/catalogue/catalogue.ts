import type { ChangeListener, OnlineStore } from '#infra/online/online.ts';
import { creatorView, videoView } from '#schemas/features/views/engagement.ts';
import { type VideoCard, videoCard } from '#schemas/features/views/videos.ts';
import { VideoTable } from './video-table.ts';

/** So many videos are kept; 1.2 KB each. */
const most = 500_000;
/** A catalogue up to this size is learnt ahead of requests, so many at once: it keeps the process busy for some milliseconds. */
const mostAhead = most / 2;
const aheadAtOnce = 256;

/**
 * Videos in memory, in front of the online store. While the log is followed, what is here is as new as the log:
 * a publication and a removal count within milliseconds. While it is not, the store is asked each time.
 */
export class Catalogue implements ChangeListener {
  readonly #online: OnlineStore;
  #table = new VideoTable({ told: false, lasting: true });
  #following = false;
  #told = false;
  #timer: NodeJS.Timeout | undefined;
  #ahead: { readonly ids: readonly string[]; next: number } = { ids: [], next: 0 };

  constructor(online: OnlineStore) {
    this.#online = online;
  }

  get told(): boolean {
    return this.#told;
  }
  set told(value: boolean) {
    this.#told = value;
    for (const columns of [this.#table.features, this.#table.creatorFeatures]) columns.told = value;
    this.#ahead = { ids: [], next: 0 };
  }

  /** Every so often fetches what has changed, and learns some of the videos that requests will ask for. */
  start(everyMs: number, expected: () => readonly string[]): void {
    let running = false;
    const refresh = async () => {
      if (running) return;
      running = true;
      const nowMs = Date.now();
      const { features, creatorFeatures } = this.#table;
      // What fails here is fetched by the requests that need it, and said there.
      await Promise.allSettled([...[features, creatorFeatures].map((columns) => columns.refresh(this.#online, nowMs)), this.learnAhead(expected(), nowMs)]);
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
    const table = this.table();
    const videos = table.numbers(part);
    await this.lookUp(table, videos);
    const creators = Int32Array.from(videos, (video) => table.creatorOf(video)).filter((creator) => creator >= 0);
    for (const [columns, rows] of [
      [table.features, videos],
      [table.creatorFeatures, creators],
    ] as const)
      await columns.fetch(this.#online, columns.missing(rows, rows.length, nowMs), nowMs);
    ahead.next += part.length;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  changed(view: string, entity: string): void {
    const table = this.#table;
    if (view === videoView.name) table.features.changed(table.known(entity));
    else if (view === creatorView.name) table.creatorFeatures.changed(table.creatorNumber(entity));
  }

  get following(): boolean {
    return this.#following;
  }
  /** What is missed while nothing follows the log is unknown: it begins anew then. */
  set following(value: boolean) {
    if (!value) this.#forget();
    this.#following = value;
  }

  /** What a request reads: all that is known while the log is followed, and otherwise what it asks the store for itself. */
  table(): VideoTable {
    return this.#following ? this.#own() : new VideoTable({ told: false, lasting: false });
  }
  #own(): VideoTable {
    if (this.#table.size >= most) this.#forget();
    return this.#table;
  }

  /** Null for a removed video, undefined for one that nothing is known of. */
  card(id: string): VideoCard | null | undefined {
    const video = this.#table.known(id);
    return video === undefined || !this.#table.isKnown(video) ? undefined : this.#table.card(video);
  }

  /** What the log says of a video. Returns the card that stands. */
  learn(id: string, timeMs: number, card: VideoCard | null): VideoCard | null {
    const table = this.#own();
    return table.learn(table.number(id), timeMs, card);
  }

  /** Requests that have begun keep what they hold: the next ones begin with a table of their own. */
  #forget(): void {
    // Of its rows nobody will hear.
    for (const columns of [this.#table.features, this.#table.creatorFeatures]) columns.told = false;
    this.#table = new VideoTable({ told: this.#told, lasting: true });
    this.#ahead = { ids: [], next: 0 };
  }

  /** Has the table know these videos; the store is asked once for those that it does not. */
  async lookUp(table: VideoTable, videos: Int32Array, count = videos.length): Promise<void> {
    const unknown: number[] = [];
    for (let i = 0; i < count; i++) if (!table.isKnown(videos[i] as number)) unknown.push(videos[i] as number);
    if (unknown.length === 0) return;
    const values = await this.#online.values(
      videoCard,
      unknown.map((video) => table.ids[video] as string),
    );
    // What the log said while the store was asked is newer.
    for (const [i, video] of unknown.entries()) {
      const stored = values[i] ?? null;
      const json = jsonOf(stored);
      table.learn(video, stored?.readDoubleLE(0) ?? Number.NEGATIVE_INFINITY, json === '' ? null : (JSON.parse(json) as VideoCard), json);
    }
  }

  /** All of them, in their order; the card is null for a removed video and for one that the store does not know. */
  async videos(ids: readonly string[]): Promise<{ readonly id: string; readonly card: VideoCard | null }[]> {
    const table = this.table();
    const videos = table.numbers(ids);
    await this.lookUp(table, videos);
    return ids.map((id, i) => ({ id, card: table.card(videos[i] as number) }));
  }
}

/** A stored card is an f64 time in front of its body; an empty body withdraws it. */
export function bodyOf<T>(stored: Buffer | null): T | null {
  const json = jsonOf(stored);
  return json === '' ? null : (JSON.parse(json) as T);
}
const jsonOf = (stored: Buffer | null): string => stored?.toString('utf8', 8) ?? '';
