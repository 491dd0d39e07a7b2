import { ForyouError } from '#infra/errors.ts';
import type { MatMul } from '#infra/inference/matmul.ts';
import type { ItemFeatures } from '../vectors/content.ts';
import { baselines } from './baselines.ts';
import { type Dataset, datasetOf, readInteractions } from './interactions.ts';
import { type Features, readNpy } from './npy.ts';
import { type RankingQuality, type Recommender, rankingQuality } from './ranking.ts';
import { popularity } from './recommenders.ts';
import { type Fitted, trainRecommender } from './train-recommender.ts';

export interface EvaluateOptions {
  readonly train: readonly string[];
  readonly test: string;
  readonly features: readonly string[];
  readonly k: number;
  /** Also measure item-kNN and EASE in the same run. */
  readonly baselines?: boolean;
  readonly report?: (message: string) => void;
}
export interface Evaluation extends RankingQuality {
  readonly seconds: number;
  readonly peakMb: number;
  /** Users and items of the test that training never saw. */
  readonly unknownUsers: number;
  readonly unknownItems: number;
  readonly settings: Fitted['settings'];
  /** The same measures of others, computed in the same run: always popularity, the rest when asked for. */
  readonly baselines: Readonly<Record<string, RankingQuality>>;
}

/** Trains on files of interactions with settings chosen from them alone, and ranks all items for the users of a test file. */
export async function evaluate(matmul: MatMul, options: EvaluateOptions): Promise<Evaluation> {
  const began = performance.now();
  const data = await load(options.train, options.features);
  const test = await testCases(data.dataset, options.test);
  const { recommender, settings } = await trainRecommender(matmul, data.dataset.histories, {
    features: data.kinds,
    k: options.k,
    ...(options.report ? { report: options.report } : {}),
  });
  const quality = await scoreTest(recommender, data.dataset, test.cases, options.k);
  const seconds = (performance.now() - began) / 1000;
  const peakMb = process.resourceUsage().maxRSS / 1024;
  const others = options.baselines
    ? await baselines(matmul, data.dataset.histories, options.k)
    : [{ name: 'popularity', recommender: popularity(data.dataset.histories) }];
  const beside: Record<string, RankingQuality> = {};
  for (const { name, recommender: other } of others) beside[name] = await scoreTest(other, data.dataset, test.cases, options.k);
  return {
    ...quality,
    seconds,
    peakMb,
    unknownUsers: test.unknownUsers,
    unknownItems: test.unknownItems,
    settings,
    baselines: beside,
  };
}

/** Interactions with the features of their items; an item that only the features know can be recommended too. */
export async function load(train: readonly string[], featureFiles: readonly string[]): Promise<{ dataset: Dataset; kinds: ItemFeatures[] }> {
  const lists = await readInteractions(train);
  if (lists.size === 0) throw new ForyouError('input-invalid', `${train.join(', ')}: no interaction in it`, { fix: 'write "user<TAB>item" lines' });
  const features = await Promise.all(featureFiles.map(readNpy));
  const rows = Math.max(0, ...features.map((f) => f.rows));
  const dataset = datasetOf(
    lists,
    Array.from({ length: rows }, (_, i) => String(i)),
  );
  return { dataset, kinds: features.map((f) => byItem(f, dataset)) };
}

/** The row of an item's features is its id as a number. */
function byItem(features: Features, { items }: Dataset): ItemFeatures {
  const data = new Float32Array(items.size * features.dims);
  items.names.forEach((name, i) => {
    const row = Number(name);
    if (Number.isInteger(row) && row >= 0 && row < features.rows)
      data.set(features.data.subarray(row * features.dims, (row + 1) * features.dims), i * features.dims);
  });
  return { dims: features.dims, data };
}

export interface TestCases {
  readonly cases: { readonly user: number; readonly wanted: readonly (number | null)[] }[];
  readonly unknownUsers: number;
  readonly unknownItems: number;
}

export async function testCases({ users, items }: Dataset, file: string): Promise<TestCases> {
  const unknown = new Set<string>();
  let unknownUsers = 0;
  const cases: TestCases['cases'] = [];
  for (const [name, list] of await readInteractions([file])) {
    if (list.length === 0) continue;
    const user = users.find(name) ?? -1;
    if (user < 0) unknownUsers++;
    const wanted = [...new Set(list)].map((item) => items.find(item) ?? null);
    for (const item of list) if (items.find(item) === undefined) unknown.add(item);
    cases.push({ user, wanted });
  }
  return { cases, unknownUsers, unknownItems: unknown.size };
}

export function scoreTest(recommender: Recommender, { histories: h }: Dataset, cases: TestCases['cases'], k: number): Promise<RankingQuality> {
  const has = (user: number) => h.item.subarray(h.start[user], h.start[user + 1]);
  return rankingQuality(recommender, cases, has, h.items, k, { fallback: mostPopular(h.item, h.items, k) });
}

function mostPopular(item: Int32Array, items: number, k: number): number[] {
  const counts = new Int32Array(items);
  for (const i of item) (counts[i] as number)++;
  return Array.from({ length: items }, (_, i) => i)
    .sort((a, b) => (counts[b] as number) - (counts[a] as number) || a - b)
    .slice(0, k);
}
