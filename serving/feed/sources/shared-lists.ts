import type { OnlineStore, TopRead } from '#infra/online/online.ts';
import type { RankedView } from '#schemas/features/view.ts';
import { Crowd } from './crowd.ts';
import { Kept } from './kept-for.ts';

/** What all viewers share may be this old; what one viewer did is read anew for each request. */
const freshMs = 200;
/** A trend is no faster than this. */
const trendFreshMs = 1_000;
const most = 5_000;

/** Lists that many viewers are offered the same of: each is read a few times a second, however many requests come. */
export class SharedLists {
  readonly #online: OnlineStore;
  readonly #known = new Map<string, Kept<readonly string[]>>();

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
    const lists = reads.map((r) => this.#list(`${kind} ${r.view.name} ${r.limit} ${r.entity}`, forMs));
    const due = new Set(lists.filter((list) => list.isDue(nowMs)));
    if (due.size > 0) {
      const all = [...due];
      const answer = ask(all.map((list) => reads[lists.indexOf(list)] as R));
      for (const [at, list] of all.entries())
        list.make(
          answer.then((found) => found[at] ?? []),
          nowMs,
        );
    }
    return Promise.all(lists.map((list) => list.read(nowMs)));
  }

  #list(name: string, forMs: number): Kept<readonly string[]> {
    const known = this.#known.get(name);
    if (known) return known;
    const made = new Kept<readonly string[]>(forMs);
    this.#known.set(name, made);
    return made;
  }
}
