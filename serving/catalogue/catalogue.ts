import type { OnlineStore } from '#infra/online/online.ts';
import { type VideoCard, videoCard } from '#schemas/features/views/videos.ts';

interface Entry {
  /** Event time of what is known: the later of two wins, and at a tie the removal. */
  readonly timeMs: number;
  readonly card: VideoCard | null;
}

/** So many cards are kept; some 600 bytes each. */
const most = 300_000;

/**
 * Cards of videos in memory, in front of the online store. While the log is followed, what is here is as new
 * as the log: a publication and a removal count within milliseconds. While it is not, the store is asked each time.
 */
export class Catalogue {
  readonly #online: OnlineStore;
  readonly #known = new Map<string, Entry>();
  #following = false;

  constructor(online: OnlineStore) {
    this.#online = online;
  }

  get following(): boolean {
    return this.#following;
  }
  /** What is missed while nothing follows the log is unknown: it begins anew then. */
  set following(value: boolean) {
    if (!value) this.#known.clear();
    this.#following = value;
  }

  /** Null for a removed video, undefined for one that nobody asked for yet. */
  card(id: string): VideoCard | null | undefined {
    return this.#known.get(id)?.card;
  }

  learn(id: string, timeMs: number, card: VideoCard | null): void {
    const known = this.#known.get(id);
    if (known && (known.timeMs > timeMs || (known.timeMs === timeMs && known.card === null))) return;
    if (!known && this.#known.size >= most) this.#known.clear();
    this.#known.set(id, { timeMs, card });
  }

  /** Cards of all of them, null where there is no such video; the store is asked once for what is not known. */
  async cards(ids: readonly string[]): Promise<(VideoCard | null)[]> {
    const unknown = this.#following ? ids.filter((id) => !this.#known.has(id)) : ids;
    if (unknown.length === 0) return ids.map((id) => this.card(id) ?? null);
    const values = await this.#online.values(videoCard, unknown);
    const read = new Map<string, VideoCard | null>();
    unknown.forEach((id, i) => {
      const stored = values[i];
      const card = stored ? cardOf(stored) : null;
      read.set(id, card);
      // A video that the store does not know yet may come any moment: its absence is not kept.
      if (stored && this.#following) this.learn(id, stored.readDoubleLE(0), card);
    });
    // What the log said while the store was asked is newer.
    return ids.map((id) => (this.#following && this.#known.has(id) ? (this.card(id) ?? null) : (read.get(id) ?? null)));
  }
}

/** A stored card is an f64 time in front of its body; an empty body withdraws it. */
export function cardOf(stored: Buffer): VideoCard | null {
  return stored.length <= 8 ? null : (JSON.parse(stored.toString('utf8', 8)) as VideoCard);
}
