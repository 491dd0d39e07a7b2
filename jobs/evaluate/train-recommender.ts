import type { MatMul } from '#infra/inference/matmul.ts';
import { type AlsSettings, trainAls } from '../vectors/als.ts';
import { contentNeighbours, type ItemFeatures } from '../vectors/content.ts';
import type { Neighbours } from '../vectors/neighbours.ts';
import { type Histories, type TransitionSettings, transitions } from '../vectors/transitions.ts';
import { type HoldOut, holdOut, inversePropensity } from './hold-out.ts';
import { interactionMatrix } from './interactions.ts';
import { type Recommender, rankingQuality } from './ranking.ts';
import { blend, byFactors, byNeighbours, remembered, weighted } from './recommenders.ts';

export interface FitSettings {
  readonly als: AlsSettings;
  readonly transitions: TransitionSettings;
  /** Weight of transitions beside vectors, in deviations of either's scores; 0 for vectors alone. */
  readonly share: number;
  /** Vectors are trained from so many seeds and their scores added. */
  readonly seeds: number;
  /** With content features: whether vectors that lean on content, those that do not, or both are added. */
  readonly members: Members;
  /** Weight of the nearest by content to what the user has, beside the rest. */
  readonly contentShare: number;
}
type Members = 'plain' | 'content' | 'both';
export interface Fitted {
  readonly recommender: Recommender;
  readonly settings: FitSettings;
}
export interface FitOptions {
  readonly features?: readonly ItemFeatures[];
  readonly k: number;
  readonly report?: (message: string) => void;
}

const neighboursByContent = 20;
/** Of these the nearest are added to the scores: few say more than many (as many as in the item graphs of LATTICE). */
const nearestByContent = 10;
/** An item that so many have counts half of one that nobody has: others speak for it. */
const halfAt = 10;
/** Weight of what is near by content. A random part of lists can hardly tell shares apart: this one stands unless it speaks against it. */
const usualShare = 0.15;
/** Differences of NDCG within this factor are noise on a hold-out of some thousand users. */
const nearEqual = 1.03;
/** Above so many multiply-adds an iteration costs minutes: the search then stays with fewer dimensions. */
const largeWork = 4e9;
/** Above `largeWork` one seed has to do, and where rare items count above this: there it was measured with three. */
const largestEnsemble = 3 * largeWork;

/** Chooses settings on a part of the data that it keeps apart, then trains on all of it. */
export async function trainRecommender(matmul: MatMul, h: Histories, options: FitOptions): Promise<Fitted> {
  const report = options.report ?? (() => {});
  const neighbours = options.features?.length ? await contentNeighbours(matmul, options.features, neighboursByContent) : undefined;
  const apart = holdOut(h, 7);
  const search = new Search(matmul, apart, { neighbours, features: options.features ?? [] }, options.k, report);
  const settings = await search.best();
  report(`settings chosen after ${search.tried} trials; training on everything`);
  const matrix = interactionMatrix(h);
  const members = await membersOf(settings.als, settings.seeds, neighbours, settings.members, async (s, n) =>
    byFactors(matmul, await trainAls(matrix, s, { neighbours: n })),
  );
  const near = neighbours ? mix(sum(members), await nearest(matmul, h, options.features ?? []), settings.contentShare) : sum(members);
  const list = byNeighbours(h, transitions(h, settings.transitions), settings.transitions.decay);
  return { recommender: mix(near, list, settings.share), settings };
}

/** What is near by content to what the user has, the rarer the item the more. */
async function nearest(matmul: MatMul, h: Histories, features: readonly ItemFeatures[]): Promise<Recommender> {
  const counts = new Float64Array(h.items);
  for (const item of h.item) (counts[item] as number)++;
  return weighted(
    byNeighbours(h, await contentNeighbours(matmul, features, nearestByContent), 1),
    counts.map((n) => halfAt / (halfAt + n)),
  );
}

/** Recommenders from several seeds, without content and with it, as `which` says. */
async function membersOf(
  als: AlsSettings,
  seeds: number,
  neighbours: Neighbours | undefined,
  which: Members,
  train: (s: AlsSettings, neighbours: Neighbours | undefined) => Promise<Recommender>,
): Promise<Recommender[]> {
  const all: Recommender[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    if (which !== 'content') all.push(await train({ ...als, content: 0, seed }, undefined));
    if (which !== 'plain') all.push(await train({ ...als, seed }, neighbours));
  }
  return all;
}

const mix = (vectors: Recommender, lists: Recommender, share: number): Recommender => (share === 0 ? vectors : blend(vectors, lists, share));
const sum = (all: readonly Recommender[]): Recommender => all.slice(1).reduce((a, b) => blend(a, b, 1), all[0] as Recommender);

/** Coordinate search: one setting at a time moves while that helps. */
class Search {
  tried = 0;
  readonly #matmul: MatMul;
  readonly #apart: HoldOut;
  readonly #neighbours: Neighbours | undefined;
  readonly #features: readonly ItemFeatures[];
  readonly #weights: Float64Array | undefined;
  readonly #k: number;
  readonly #report: (message: string) => void;

  constructor(
    matmul: MatMul,
    apart: HoldOut,
    { neighbours, features }: { readonly neighbours: Neighbours | undefined; readonly features: readonly ItemFeatures[] },
    k: number,
    report: (message: string) => void,
  ) {
    this.#matmul = matmul;
    this.#apart = apart;
    this.#neighbours = neighbours;
    this.#features = features;
    // Content is there for what few have met: a random part of lists, which is of what many have met, would say little of it.
    this.#weights = neighbours && !apart.train.ordered ? inversePropensity(apart) : undefined;
    this.#k = k;
    this.#report = report;
  }

  async best(): Promise<FitSettings> {
    const { train } = this.#apart;
    const lists = await this.#lists();
    const listRecommender = byNeighbours(train, transitions(train, lists), lists.decay);
    const als = await this.#als();
    const seeds = this.#work(als) > (this.#weights ? largestEnsemble : largeWork) ? 1 : 3;
    // One seed tells which shares are best; the sum of more is only steadier.
    const tried = this.#work(als) > largeWork ? 1 : seeds;
    const matrix = interactionMatrix(train);
    const make = (which: Members) =>
      membersOf(als, tried, this.#neighbours, which, async (s, n) => byFactors(this.#matmul, await trainAls(matrix, s, { neighbours: n })));
    const plain = await make('plain');
    let [members, vectors, contentShare]: [Members, Recommender, number] = ['plain', remembered(sum(plain)), 0];
    if (this.#neighbours) {
      const leaning = await make('content');
      const choices = { plain: sum(plain), content: sum(leaning), both: sum([...plain, ...leaning]) };
      members = await this.#highest<Members>('vectors', ['plain', 'content', 'both'], (which) => choices[which], 'both');
      const chosen = remembered(choices[members]);
      const near = remembered(await nearest(this.#matmul, train, this.#features));
      contentShare = await this.#highest('share of content', [0, usualShare], (s) => mix(chosen, near, s), usualShare);
      vectors = mix(chosen, near, contentShare);
    }
    const share = await this.#highest(
      'share of transitions',
      [0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8],
      (s) => mix(vectors, listRecommender, s),
      this.#neighbours ? 0 : undefined,
    );
    return { als, transitions: lists, share, seeds, members, contentShare };
  }

  async #lists(): Promise<TransitionSettings> {
    const { train } = this.#apart;
    let s: TransitionSettings = { discount: 0.3, decay: 1, backward: 1, gap: 1, window: 8, width: 200 };
    if (train.ordered) s = { ...s, decay: 0.6, backward: 0.3, gap: 0.8 };
    const choose = async <K extends keyof TransitionSettings>(name: K, values: readonly TransitionSettings[K][]) => {
      s = {
        ...s,
        [name]: await this.#highest(name, values, (value) =>
          byNeighbours(train, transitions(train, { ...s, [name]: value }), name === 'decay' ? (value as number) : s.decay),
        ),
      };
    };
    await choose('discount', [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    if (!train.ordered) return s;
    await choose('decay', [0.3, 0.45, 0.6, 0.75, 0.9, 1]);
    await choose('gap', [0.5, 0.65, 0.8, 0.9]);
    await choose('backward', [0.1, 0.2, 0.3, 0.5]);
    await choose('window', [4, 8, 16]);
    return s;
  }

  async #als(): Promise<AlsSettings> {
    let s: AlsSettings = { dims: 64, iterations: 8, alpha: 0.003, reg: 0.3, nu: 0.5, content: this.#neighbours ? 0.8 : 0, seed: 1 };
    const matrix = interactionMatrix(this.#apart.train);
    const choose = async <K extends 'alpha' | 'reg' | 'dims' | 'content'>(name: K, values: readonly number[]) => {
      s = {
        ...s,
        [name]: await this.#climb(name, values, s[name], async (value) =>
          byFactors(this.#matmul, await trainAls(matrix, { ...s, [name]: value }, { neighbours: this.#neighbours })),
        ),
      };
    };
    const fine = [0.0003, 0.001, 0.003, 0.01, 0.03];
    await choose('alpha', fine);
    await choose('reg', [0.01, 0.03, 0.1, 0.2, 0.3, 0.45, 0.7, 1, 2]);
    await choose('dims', this.#work({ ...s, dims: 128 }) > largeWork ? [64, 128] : [64, 128, 256]);
    await choose('alpha', [0.0003, 0.0006, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03]);
    await choose('reg', [0.01, 0.02, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 2]);
    if (this.#neighbours) await choose('content', [0, 0.5, 0.8, 1]);
    return s;
  }

  /** Multiply-adds of one iteration: rows cost their entries squared times dims, or dims cubed. */
  #work({ dims }: { dims: number }): number {
    const { start, users, item, items } = this.#apart.train;
    let work = (users + items) * dims * dims;
    for (let u = 0; u < users; u++) {
      const n = Math.min(dims, (start[u + 1] as number) - (start[u] as number));
      work += 2 * n * n * dims;
    }
    return work + (item.length / Math.max(1, items)) ** 2 * dims * items;
  }

  async #quality(recommender: Recommender): Promise<number> {
    this.tried++;
    const { train, cases } = this.#apart;
    const has = (user: number) => train.item.subarray(train.start[user], train.start[user + 1]);
    return (await rankingQuality(recommender, cases, has, train.items, this.#k, { weights: this.#weights })).ndcg;
  }

  /** `favoured` wins among near-equals: a sum of different models varies less from one set of data to the next than the hold-out can tell. */
  async #highest<V>(name: string, values: readonly V[], make: (value: V) => Recommender, favoured?: V): Promise<V> {
    let best = values[0] as V;
    let quality = Number.NEGATIVE_INFINITY;
    for (const value of values) {
      const q = (await this.#quality(make(value))) * (value === favoured ? nearEqual : 1);
      if (q > quality) [best, quality] = [value, q];
    }
    this.#report(`${name} ${best}: NDCG ${quality.toFixed(4)}`);
    return best;
  }

  /** Moves from `from` to the better neighbour among `values` until neither is better. */
  async #climb(name: string, values: readonly number[], from: number, make: (value: number) => Promise<Recommender>): Promise<number> {
    const known = new Map<number, number>();
    const at = async (i: number) => {
      if (i < 0 || i >= values.length) return Number.NEGATIVE_INFINITY;
      if (!known.has(i)) known.set(i, await this.#quality(await make(values[i] as number)));
      return known.get(i) as number;
    };
    let i = values.reduce(
      (best, value, j) =>
        Math.abs(Math.log((value + 1e-9) / (from + 1e-9))) < Math.abs(Math.log(((values[best] as number) + 1e-9) / (from + 1e-9))) ? j : best,
      0,
    );
    let here = await at(i);
    for (const step of [1, -1])
      while ((await at(i + step)) > here) {
        i += step;
        here = await at(i);
      }
    this.#report(`${name} ${values[i]}: NDCG ${here.toFixed(4)}`);
    return values[i] as number;
  }
}
