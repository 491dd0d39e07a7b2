import type { OnlineStore, TopRead } from '#infra/online/online.ts';
import type { RankedView } from '#schemas/features/view.ts';
import { Crowd } from './crowd.ts';

/** What all viewers share may be this old; what one viewer did is read anew for each request. */
const freshMs = 200;
/** A trend is no faster than this. */
const trendFreshMs = 1_000;
const most = 5_000;

/** Lists that many viewers are offered the same of: each is read a few times a second, however many requests come. */
export class SharedLists {
  readonly #online: OnlineStore;
  readonly #known = new Map<string, { readonly keys: Promise<readonly string[]>; readonly atMs: number }>();

  readonly #crowd: Crowd;

  constructor(online: OnlineStore) {
    this.#online = online;
    this.#crowd = new Crowd(online);
  }

  /** What does well: in the order of how many people are behind it. */
  trending(reads: readonly (TopRead & { readonly view: RankedView<never> })[]): Promise<(readonly string[])[]> {
    return this.#kept('trending', trendFreshMs, reads, async (missing) =>
      this.#crowd.order(
        (await this.#online.top(missing)).map((list, i) => ({ ...list, view: (missing[i] as (typeof reads)[number]).view })),
        Date.now(),
      ),
    );
  }

  /** Keys of each list, best first. */
  keys(reads: readonly TopRead[]): Promise<(readonly string[])[]> {
    return this.#kept('keys', freshMs, reads, async (missing) => (await this.#online.top(missing)).map((list) => list.keys));
  }

  async #kept<R extends TopRead>(
    kind: string,
    forMs: number,
    reads: readonly R[],
    ask: (missing: readonly R[]) => Promise<readonly (readonly string[])[]>,
  ): Promise<(readonly string[])[]> {
    const nowMs = performance.now();
    if (this.#known.size > most) this.#known.clear();
    const names = reads.map((r) => `${kind} ${r.view.name} ${r.limit} ${r.entity}`);
    const missing = reads.flatMap((_r, i) => (nowMs - (this.#known.get(names[i] as string)?.atMs ?? Number.NEGATIVE_INFINITY) < forMs ? [] : [i]));
    if (missing.length > 0) {
      const answer = ask(missing.map((i) => reads[i] as R));
      missing.forEach((i, at) => {
        const name = names[i] as string;
        const keys = answer.then((lists) => lists[at] ?? []);
        this.#known.set(name, { keys, atMs: nowMs });
        keys.catch(() => this.#known.delete(name));
      });
    }
    return Promise.all(names.map((name) => (this.#known.get(name) as { keys: Promise<readonly string[]> }).keys));
  }
}
