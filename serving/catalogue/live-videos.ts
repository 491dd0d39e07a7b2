import type { OnlineStore } from '#infra/online/online.ts';
import { freshVideos, type VideoCard } from '#schemas/features/views/videos.ts';
import type { LiveDelta } from '../retrieval/live-delta.ts';
import type { Catalogue } from './catalogue.ts';
import type { VideoListener } from './follow-videos.ts';

const newest = 4_000;

/** What publications and removals change in this process: cards, and the videos that stand beside the index. */
export class LiveVideos implements VideoListener {
  readonly #online: OnlineStore;
  readonly #catalogue: Catalogue;
  readonly #delta: LiveDelta;

  constructor(online: OnlineStore, catalogue: Catalogue, delta: LiveDelta) {
    this.#online = online;
    this.#catalogue = catalogue;
    this.#delta = delta;
  }

  get following(): boolean {
    return this.#catalogue.following;
  }
  set following(value: boolean) {
    this.#catalogue.following = value;
    // What was published before this process followed the log.
    if (value) this.#seed().catch(() => {});
  }

  learn(id: string, timeMs: number, card: VideoCard | null): void {
    const stands = this.#catalogue.learn(id, timeMs, card).card;
    if (stands) this.#delta.add(id, stands.topics);
    else this.#delta.remove(id);
  }

  async #seed(): Promise<void> {
    const [found] = await this.#online.top([{ view: freshVideos, entity: 'world', limit: newest }]);
    const ids = (found?.keys ?? []).reverse();
    for (const { id, card } of await this.#catalogue.videos(ids)) if (card) this.#delta.add(id, card.topics);
  }
}
