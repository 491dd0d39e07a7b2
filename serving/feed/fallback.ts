import { worldTrending } from '#schemas/features/views/engagement.ts';
import { freshVideos, type VideoCard } from '#schemas/features/views/videos.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { noise } from '../ranking/noise.ts';
import { encodeCursor } from './cursor.ts';
import type { FeedRequest } from './feed-service.ts';
import { prefetchOf } from './prefetch.ts';
import { type FeedItem, type FeedPage, shownOf } from './response.ts';
import type { SharedLists } from './sources/shared-lists.ts';

const keep = 500;

/** The trending list in memory: what the feed answers with while the online store is away. */
export class Fallback {
  readonly #lists: SharedLists;
  readonly #catalogue: Catalogue;
  #videos: { id: string; card: VideoCard }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(lists: SharedLists, catalogue: Catalogue) {
    this.#lists = lists;
    this.#catalogue = catalogue;
  }

  /** Refreshes now and then every `everyMs`; a failed refresh keeps the list that stands. */
  async start(everyMs: number): Promise<void> {
    const refresh = () => this.#refresh().catch(() => {});
    await refresh();
    this.#timer = setInterval(refresh, everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #refresh(): Promise<void> {
    const lists = await Promise.all([
      this.#lists.trending([{ view: worldTrending, entity: 'world', limit: keep }]),
      this.#lists.keys([{ view: freshVideos, entity: 'world', limit: keep }]),
    ]);
    const ids = [...new Set(lists.flat(2))].slice(0, keep);
    this.#videos = (await this.#catalogue.videos(ids)).flatMap(({ id, card }) => (card ? [{ id, card }] : []));
  }

  /** Pages walk through the list in an order of the viewer's own, so that they do not repeat within one pass. */
  page(request: FeedRequest, position: number): FeedPage {
    let seed = 0;
    for (const char of request.userId + request.sessionId) seed = Math.imul(seed, 31) + char.charCodeAt(0);
    const ordered = this.#videos.map((v, rank) => ({ ...v, place: rank + 40 * noise(seed, v.id) })).sort((a, b) => a.place - b.place);
    const from = ordered.length === 0 ? 0 : position % ordered.length;
    const items = ordered.slice(from, from + request.count).map(
      ({ id, card }, i): FeedItem => ({
        videoId: id,
        position: position + i,
        ...shownOf(card),
        reason: 'trending-in-memory',
      }),
    );
    return {
      requestId: crypto.randomUUID(),
      sessionId: request.sessionId,
      degraded: true,
      scorer: 'none',
      items,
      prefetch: prefetchOf(items),
      cursor: encodeCursor(request.sessionId, position + items.length),
    };
  }
}
