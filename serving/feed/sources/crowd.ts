import type { OnlineStore } from '#infra/online/online.ts';
import { crowdRules } from '#schemas/config/selection.ts';
import { readLogWeight } from '#schemas/features/monoids.ts';
import type { RankedView } from '#schemas/features/view.ts';
import { userSeen, videoFans } from '#schemas/features/views/engagement.ts';

/** Whether many people answer a video well, or few accounts very often: so old it may be. */
const freshMs = 10_000;
const most = 20_000;

interface Fans {
  /** When the latest of them answered, newest first. */
  readonly times: readonly number[];
  /** Mean standing of these accounts, 0 to 1: how many other videos they have seen. */
  readonly standing: number;
  readonly atMs: number;
}

/**
 * Decayed number of distinct viewers: those that are known one by one while they are few, and from the pace at which
 * the latest of them came when they are many.
 */
function viewersOf({ times }: Fans, halfLifeMs: number, nowMs: number): number {
  const decay = (at: number) => 2 ** (-Math.max(0, nowMs - at) / halfLifeMs);
  if (times.length < crowdRules.sampled) return times.reduce((sum, at) => sum + decay(at), 0);
  const [newest, oldest] = [times[0] as number, times.at(-1) as number];
  const perMs = (times.length - 1) / Math.max(1_000, newest - oldest);
  return Math.max(times.length * decay(newest), (perMs * halfLifeMs * decay(newest)) / Math.LN2);
}

/**
 * Puts lists of what does well into the order of how many people are behind it: nobody's answers count for more than
 * one viewer's could, and accounts that have seen little else count little. An account that answers a thousand times
 * is one viewer; a thousand accounts that were made for one video are a few.
 */
export class Crowd {
  readonly #online: OnlineStore;
  readonly #known = new Map<string, Fans>();

  constructor(online: OnlineStore) {
    this.#online = online;
  }

  /** Ids of each list, the best first. */
  async order(
    lists: readonly { readonly view: RankedView<never>; readonly keys: readonly string[]; readonly scores: readonly number[] }[],
    nowMs: number,
  ): Promise<string[][]> {
    await this.#learn(new Set(lists.flatMap((list) => list.keys.slice(0, crowdRules.judged))), nowMs);
    return lists.map(({ view, keys, scores }) => {
      const weights = new Map(
        keys.map((id, i) => {
          const weight = readLogWeight(scores[i] as number, nowMs, view.halfLifeMs);
          const fans = this.#known.get(id);
          return [id, fans ? Math.min(weight, crowdRules.perViewer * viewersOf(fans, view.halfLifeMs, nowMs)) * fans.standing : weight];
        }),
      );
      return [...keys].sort((a, b) => (weights.get(b) as number) - (weights.get(a) as number));
    });
  }

  async #learn(ids: ReadonlySet<string>, nowMs: number): Promise<void> {
    if (this.#known.size > most) this.#known.clear();
    const unknown = [...ids].filter((id) => !(nowMs - (this.#known.get(id)?.atMs ?? Number.NEGATIVE_INFINITY) < freshMs));
    if (unknown.length === 0) return;
    const found = await this.#online.top(unknown.map((entity) => ({ view: videoFans, entity, limit: crowdRules.sampled })));
    const accounts = [...new Set(found.flatMap((f) => f.keys))];
    const seen = await this.#online.sizes(userSeen, accounts, crowdRules.established);
    const standing = new Map(accounts.map((id, i) => [id, Math.min(1, (seen[i] as number) / crowdRules.established) ** 2]));
    unknown.forEach((id, i) => {
      const { keys = [], scores: times = [] } = found[i] ?? {};
      const sum = keys.reduce((total, account) => total + (standing.get(account) as number), 0);
      this.#known.set(id, { times, standing: Math.max(crowdRules.least, keys.length > 0 ? sum / keys.length : 0), atMs: nowMs });
    });
  }
}
