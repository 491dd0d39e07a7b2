import { expect, test } from 'vitest';
import type { Loaded } from '#infra/artifacts/loader.ts';
import { MemoryTelemetry } from '#infra/telemetry/memory.ts';
import { selection } from '#schemas/config/selection.ts';
import { rankingFeature, rankingFeatures } from '#schemas/features/ranking.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { newcomer } from '../feed/viewer.ts';
import { preRank, rank } from './rank.ts';
import type { Ranker } from './ranker-reader.ts';

const duration = rankingFeature('durationSeconds');
/** Predicts completion from the length alone: `sign` 1 for the long, -1 for the short. */
const model = (output: string, sign: number, seen: number[] = []) =>
  ({
    predict: async (rows: readonly Float64Array[]) => {
      seen.push(rows.length);
      return { [output]: Float32Array.from(rows, (row) => sign * (row[duration] as number)) };
    },
  }) as unknown as Ranker['model'];
const loaded = (value: Ranker, rows: number) => ({ version: 'v1', manifest: { counts: { rows } }, value }) as unknown as Loaded<Ranker>;
const query = (ranker: Loaded<Ranker> | null): FeedQuery =>
  ({ nowMs: 1e12, position: 0, seed: 1, viewer: newcomer, retrieval: null, taste: null, ranker, selection }) as unknown as FeedQuery;
const candidates = (count: number): FeedCandidate[] =>
  Array.from(
    { length: count },
    (_, i) =>
      ({
        id: `v${i}`,
        sources: ['fresh'],
        score: 0,
        card: { creatorId: '', topics: [], publishedAt: 1, durationMs: 1_000 * (i + 1) },
        features: new Float32Array(rankingFeatures.length),
      }) as unknown as FeedCandidate,
  );
/** Both stages, as the pipeline runs them; returns the scorer and who is left, best first. */
async function ranking(ranker: Loaded<Ranker> | null, list: readonly FeedCandidate[], telemetry = new MemoryTelemetry()) {
  const chosen = await preRank(telemetry).choose(query(ranker), list);
  const scorer = await rank(telemetry).score(query(ranker), chosen);
  return { scorer, order: [...chosen].sort((a, b) => b.score - a.score) };
}

test('the ranker orders, and the answer names it', async () => {
  const { scorer, order } = await ranking(loaded({ model: model('complete', 1), preRanker: null }, 1e9), candidates(50));
  expect([scorer, order[0]?.id]).toEqual(['ranker@v1+weights@1', 'v49']);
});

test('of many candidates the ranker looks at those that the pre-ranker chooses, and at those that must pass', async () => {
  const list = candidates(1_000);
  (list[3] as FeedCandidate).sources.push('exposure-pool');
  const seen: number[] = [];
  // The pre-ranker likes the long, the ranker the short: the shortest of the 300 longest wins, behind the one that passed anyway.
  const { order } = await ranking(loaded({ model: model('complete', -1, seen), preRanker: model('value', 1) }, 1e9), list);
  expect(seen).toEqual([301]);
  expect(order.slice(0, 2).map((c) => c.id)).toEqual(['v3', 'v700']);
});

test('without a pre-ranker the heuristic chooses', async () => {
  const seen: number[] = [];
  const { order } = await ranking(loaded({ model: model('complete', 1, seen), preRanker: null }, 1e9), candidates(500));
  expect([seen, order.length]).toEqual([[300], 300]);
});

test('a ranker that learnt from few impressions moves little', async () => {
  const spread = async (rows: number) => {
    const { order } = await ranking(loaded({ model: model('complete', 1), preRanker: null }, rows), candidates(50));
    return (order[0]?.score ?? 0) - (order.at(-1)?.score ?? 0);
  };
  expect(await spread(500)).toBeLessThan(0.2 * (await spread(1e9)));
});

test('a ranker that is late is not waited for', async () => {
  const late = { predict: () => new Promise(() => {}) } as unknown as Ranker['model'];
  const telemetry = new MemoryTelemetry();
  const { scorer, order } = await ranking(loaded({ model: late, preRanker: late }, 1e9), candidates(500), telemetry);
  expect([scorer.startsWith('heuristic@'), order.length]).toEqual([true, 300]);
  expect(telemetry.value('foryou_ranker_failures_total', {})).toBe(2);
});

test('a ranker that fails is counted, and the heuristic answers', async () => {
  const telemetry = new MemoryTelemetry();
  const broken = { predict: async () => Promise.reject(new Error('no')) } as unknown as Ranker['model'];
  const { scorer, order } = await ranking(loaded({ model: broken, preRanker: null }, 1e9), candidates(5), telemetry);
  expect(scorer).toMatch(/^heuristic@/);
  expect(telemetry.value('foryou_ranker_failures_total', {})).toBe(1);
  expect(order.every((c) => Number.isFinite(c.score) && c.score !== 0)).toBe(true);
});
