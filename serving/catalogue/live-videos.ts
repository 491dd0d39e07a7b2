import type { OnlineStore } from '#infra/online/online.ts';
import { type ContentCard, freshVideos, type VideoCard, videoContent } from '#schemas/features/views/videos.ts';
import type { LiveDelta } from '../retrieval/live-delta.ts';
import type { NewLooks } from '../retrieval/new-looks.ts';
import { bodyOf, type Catalogue } from './catalogue.ts';
import type { VideoListener } from './follow-videos.ts';

const newest = 4_000;

/** What publications and removals change in this process: cards, and the videos that stand beside the index. */
export class LiveVideos implements VideoListener {
  readonly #online: OnlineStore;
  readonly #catalogue: Catalogue;
  readonly #delta: LiveDelta;
  readonly #looks: NewLooks;

  constructor(online: OnlineStore, catalogue: Catalogue, delta: LiveDelta, looks: NewLooks) {
    this.#online = online;
    this.#catalogue = catalogue;
    this.#delta = delta;
    this.#looks = looks;
  }

  get following(): boolean {
    return this.#catalogue.following;
  }
  set following(value: boolean) {
    this.#catalogue.following = value;
    // What was published before this process followed the log.
    if (value) this.#seed().catch(() => {});
  }

  learn(id: string, timeMs: number, card: VideoCard | null, content: ContentCard | null): void {
    const stands = this.#catalogue.learn(id, timeMs, card);
    if (stands) this.#delta.add(id, stands.topics);
    else this.#delta.remove(id);
    if (stands && content) this.#looks.add(id, content);
    else if (!stands) this.#looks.remove(id);
  }

  async #seed(): Promise<void> {
    const [found] = await this.#online.top([{ view: freshVideos, entity: 'world', limit: newest }]);
    const ids = (found?.keys ?? []).reverse();
    const [videos, contents] = await Promise.all([this.#catalogue.videos(ids), this.#online.values(videoContent, ids)]);
    videos.forEach(({ id, card }, i) => {
      if (!card) return;
      this.#delta.add(id, card.topics);
      const content = bodyOf<ContentCard>(contents[i] ?? null);
      if (content) this.#looks.add(id, content);
    });
  }
}
