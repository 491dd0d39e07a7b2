import type { OnlineStore, TopRead } from '#infra/online/online.ts';

/** What all viewers share may be this old; what one viewer did is read anew for each request. */
const freshMs = 200;
const most = 5_000;

/** Lists that many viewers are offered the same of: each is read a few times a second, however many requests come. */
export class SharedLists {
  readonly #online: OnlineStore;
  readonly #known = new Map<string, { readonly keys: Promise<readonly string[]>; readonly atMs: number }>();

  constructor(online: OnlineStore) {
    this.#online = online;
  }

  /** Keys of each list, best first. */
  async keys(reads: readonly TopRead[]): Promise<(readonly string[])[]> {
    const nowMs = performance.now();
    if (this.#known.size > most) this.#known.clear();
    const names = reads.map((r) => `${r.view.name} ${r.limit} ${r.entity}`);
    const missing = reads.flatMap((_r, i) => (nowMs - (this.#known.get(names[i] as string)?.atMs ?? Number.NEGATIVE_INFINITY) < freshMs ? [] : [i]));
    if (missing.length > 0) {
      const answer = this.#online.top(missing.map((i) => reads[i] as TopRead));
      missing.forEach((i, at) => {
        const name = names[i] as string;
        const keys = answer.then((lists) => lists[at]?.keys ?? []);
        this.#known.set(name, { keys, atMs: nowMs });
        keys.catch(() => this.#known.delete(name));
      });
    }
    return Promise.all(names.map((name) => (this.#known.get(name) as { keys: Promise<readonly string[]> }).keys));
  }
}
