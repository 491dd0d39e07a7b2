import { expect, test } from 'vitest';
import type { Loaded } from '#infra/artifacts/loader.ts';
import { Interpreter } from '#infra/inference/interpreter.ts';
import type { RowModel, Rows } from '#infra/inference/row-model.ts';
import { MemoryTelemetry } from '#infra/telemetry/memory.ts';
import { randomRanker } from '#infra/testing/artifacts.ts';
import { preRankerFile, rankerFile } from '#schemas/artifacts/ranker.ts';
import { rankingFeature } from '#schemas/features/ranking.ts';
import { everyPlace, type RankedColumns } from '../feed/candidates.ts';
import { chosen } from '../feed/chosen.ts';
import { sourceOrder } from '../feed/source-bits.ts';
import { feedQuery } from '../feed/testing.ts';
import { preRank, rank } from './rank.ts';
import { LocalRankers, localRanker, type Ranker } from './ranker.ts';
import { ThreadedRankers } from './threaded-rankers.ts';

const duration = rankingFeature('durationSeconds');
/** Predicts completion from the length alone: `sign` 1 for the long, -1 for the short. */
const model = (output: string, sign: number, seen: number[] = []) =>
  ({
    predict: async ({ data, width, places }: Rows) => {
      seen.push(places.length);
      return { [output]: Float32Array.from(places, (at) => sign * (data[at * width + duration] as number)) };
    },
  }) as unknown as RowModel;
const loaded = (value: Ranker, rows: number) => ({ version: 'v1', manifest: { counts: { rows } }, value }) as unknown as Loaded<Ranker>;

/** Both stages over so many videos, each a second longer than the one before, as the pipeline runs them; returns the scorer and who is left, best first. */
async function ranking(ranker: Loaded<Ranker> | null, count: number, telemetry = new MemoryTelemetry(), inPool: readonly string[] = []) {
  const query = feedQuery(count, { ranker });
  const { candidates, videos } = query;
  const fresh = Array.from({ length: count }, (_, i) => videos.number(`v${i}`));
  candidates.merge(sourceOrder.map((name) => (name === 'fresh' ? fresh : name === 'exposure-pool' ? inPool.map((id) => videos.number(id)) : [])));
  videos.gather(candidates.items, count, candidates.facts);
  const places = await preRank(telemetry).choose(query, candidates, everyPlace.subarray(0, count));
  const list = chosen(query, candidates, places, () => []);
  const scorer = await rank(telemetry).score(query, list);
  return { scorer, order: list.sort((a, b) => b.score - a.score) };
}

test('the ranker orders, and the answer names it', async () => {
  const { scorer, order } = await ranking(loaded(localRanker(model('complete', 1), null), 1e9), 50);
  expect([scorer, order[0]?.id]).toEqual(['ranker@v1+weights@1', 'v49']);
});

test('of many candidates the ranker looks at those that the pre-ranker chooses, and at those that must pass', async () => {
  const seen: number[] = [];
  // The pre-ranker likes the long, the ranker the short: the shortest of the 300 longest wins, behind the one that passed anyway.
  const { order } = await ranking(loaded(localRanker(model('complete', -1, seen), model('value', 1)), 1e9), 1_000, undefined, ['v3']);
  expect(seen).toEqual([301]);
  expect(order.slice(0, 2).map((c) => c.id)).toEqual(['v3', 'v700']);
});

test('without a pre-ranker the heuristic chooses', async () => {
  const seen: number[] = [];
  const { order } = await ranking(loaded(localRanker(model('complete', 1, seen), null), 1e9), 500);
  expect([seen, order.length]).toEqual([[300], 300]);
});

test('a ranker that learnt from few impressions moves little', async () => {
  const spread = async (rows: number) => {
    const { order } = await ranking(loaded(localRanker(model('complete', 1), null), rows), 50);
    return (order[0]?.score ?? 0) - (order.at(-1)?.score ?? 0);
  };
  expect(await spread(500)).toBeLessThan(0.2 * (await spread(1e9)));
});

test('a ranker that is late is not waited for', async () => {
  const late = { predict: () => new Promise(() => {}) } as unknown as RowModel;
  const telemetry = new MemoryTelemetry();
  const { scorer, order } = await ranking(loaded(localRanker(late, late), 1e9), 500, telemetry);
  expect([scorer.startsWith('heuristic@'), order.length]).toEqual([true, 300]);
  expect(telemetry.value('foryou_ranker_failures_total', {})).toBe(2);
});

test('a ranker that fails is counted, and the heuristic answers', async () => {
  const telemetry = new MemoryTelemetry();
  const broken = { predict: async () => Promise.reject(new Error('no')) } as unknown as RowModel;
  const { scorer, order } = await ranking(loaded(localRanker(broken, null), 1e9), 5, telemetry);
  expect(scorer).toMatch(/^heuristic@/);
  expect(telemetry.value('foryou_ranker_failures_total', {})).toBe(1);
  expect(order.every((c) => Number.isFinite(c.score) && c.score !== 0)).toBe(true);
});

test('what a late ranker still writes reaches neither its own request nor a later one in the same columns', async () => {
  const calm = await ranking(null, 500);
  let write = () => {};
  const late = {
    narrow: ({ score, features }: RankedColumns) => {
      write = () => void [score, features].map((column) => column.fill(7));
      return new Promise(() => {});
    },
    score: async () => write(),
  } as unknown as Ranker;
  const { order } = await ranking(loaded(late, 1e9), 500);
  expect(order.map((c) => [c.id, c.score, c.feature(duration)])).toEqual(calm.order.map((c) => [c.id, c.score, c.feature(duration)]));
});

test('a ranker in a thread of its own says the same as one in this thread', async () => {
  const files = randomRanker();
  const threaded = new ThreadedRankers();
  try {
    const all = await Promise.all(
      [new LocalRankers(new Interpreter()), threaded].map(async (rankers) => {
        const { order, scorer } = await ranking(loaded(await rankers.load(files[rankerFile], files[preRankerFile]), 1e9), 600);
        return { scorer, ids: order.map((c) => c.id), scores: order.map((c) => c.score) };
      }),
    );
    expect(all[1]?.scorer).toMatch(/^ranker@/);
    expect(all[1]?.ids).toEqual(all[0]?.ids);
    for (const [i, score] of (all[1]?.scores ?? []).entries()) expect(score).toBeCloseTo(all[0]?.scores[i] as number, 3);
  } finally {
    await threaded.close();
  }
});
