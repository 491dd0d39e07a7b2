import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MatMul } from '#infra/inference/matmul.ts';
import { OnnxRuntime } from '#infra/inference/onnx-runtime.ts';
import { outcomes } from '#schemas/artifacts/ranker.ts';
import type { Engagement } from '#schemas/events/engagement.ts';
import { computeAsOf } from '#schemas/features/as-of.ts';
import { rankingFeature } from '#schemas/features/ranking.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { Random } from '../engine/random.ts';
import { featureCount, outcomeCount } from '../ranker/dataset.ts';
import { baselines, ease } from './baselines.ts';
import { holdOut, inversePropensity } from './hold-out.ts';
import { datasetOf } from './interactions.ts';
import { inverseOf } from './inverse.ts';
import { replay } from './kuairand-rows.ts';
import { type Recommender, rankingQuality } from './ranking.ts';
import { remembered, weighted } from './recommenders.ts';
import { trainRecommender } from './train-recommender.ts';

const matmul = await MatMul.load(new OnnxRuntime());

test.each([5, 256, 700])('the inverse of a symmetric positive definite matrix of %i rows', async (n) => {
  const random = new Random(n);
  const factor = Float32Array.from({ length: n * 20 }, () => random.normal());
  const a = await matmul.timesTransposed(factor, factor, 20);
  for (let i = 0; i < n; i++) a[i * n + i] = (a[i * n + i] as number) + 5;
  const inverse = await inverseOf(matmul, a.slice(), n);
  const identity = await matmul.timesTransposed(a, inverse, n);
  for (let i = 0; i < n; i += 7) for (let j = 0; j < n; j += 3) expect(Math.abs((identity[i * n + j] as number) - (i === j ? 1 : 0))).toBeLessThan(1e-2);
});

/** Users of two tastes: even ones took even items, odd ones odd items. */
const lists = new Map(
  Array.from({ length: 120 }, (_, u) => {
    const random = new Random(u + 1);
    return [`u${u}`, [...new Set(Array.from({ length: 8 }, () => `i${2 * random.below(20) + (u % 2)}`))]];
  }),
);
const twoTastes = datasetOf(lists);

test('by inverse propensity, finding what is rare counts for more, and as much as before in the mean', async () => {
  // Everybody has the hit, and two of a hundred videos that few have.
  const everybody = Array.from({ length: 300 }, (_, u) => [`user${u}`, ['hit', `rare${u % 100}`, `rare${(u * 7) % 100}`]] as const);
  const { histories, items } = datasetOf(new Map(everybody.map(([user, list]) => [user, [...list]])));
  const apart = holdOut({ ...histories, ordered: false }, 7);
  const { train, cases } = apart;
  const weights = inversePropensity(apart);
  const at = (name: string) => items.names.indexOf(name);
  const count = (name: string) => train.item.filter((i) => i === at(name)).length;
  expect((weights[at('rare3')] as number) / (weights[at('hit')] as number)).toBeCloseTo(Math.sqrt(count('hit') / count('rare3')), 6);
  const wanted = cases.flatMap((c) => c.wanted.map((i) => weights[i] as number));
  expect(wanted.reduce((a, b) => a + b, 0) / wanted.length).toBeCloseTo(1, 6);
  // One who always says the hit is right as often as the hit was held out, and it is worth less than that.
  const hit = {
    score: async (users: readonly number[]) => new Float32Array(users.length * train.items).map((_v, i) => (i % train.items === at('hit') ? 1 : 0)),
  };
  const ndcg = async (w?: Float64Array) => (await rankingQuality(hit, cases, () => new Int32Array(0), train.items, 1, { weights: w })).ndcg;
  expect(await ndcg(weights)).toBeLessThan(0.5 * (await ndcg()));
});

test('EASE equals its definition, solved plainly', async () => {
  const h = datasetOf(
    new Map([
      ['a', ['x', 'y']],
      ['b', ['x', 'y', 'z']],
      ['c', ['z']],
    ]),
  ).histories;
  const lambda = 2;
  // Gram matrix of x, y, z plus lambda, inverted by hand: rows (4,2,1), (2,4,1), (1,1,4).
  const determinant = 4 * (16 - 1) - 2 * (8 - 1) + 1 * (2 - 4);
  const p = [
    [15, -7, -2],
    [-7, 15, -2],
    [-2, -2, 12],
  ].map((row) => row.map((v) => v / determinant)) as number[][];
  const b = (from: number, to: number) => (from === to ? 0 : -((p[from] as number[])[to] as number) / ((p[to] as number[])[to] as number));
  const scores = await (await ease(matmul, h, lambda)).score([0]);
  for (let item = 0; item < 3; item++) expect(scores[item]).toBeCloseTo(b(0, item) + b(1, item), 5);
});

test('item-kNN and EASE find the taste that popularity cannot', async () => {
  const h = twoTastes.histories;
  const cases = Array.from({ length: h.users }, (_, user) => ({
    user,
    wanted: Array.from({ length: h.items }, (_i, i) => i).filter((i) => Number((twoTastes.items.names[i] as string).slice(1)) % 2 === user % 2),
  }));
  const found = new Map<string, number>();
  for (const { name, recommender } of await baselines(matmul, h, 5))
    found.set(name, (await rankingQuality(recommender, cases, (u) => h.item.subarray(h.start[u], h.start[u + 1]), h.items, 5)).ndcg);
  expect(found.get('item-kNN')).toBeGreaterThan(0.95);
  expect(found.get('EASE')).toBeGreaterThan(0.95);
  expect(found.get('popularity')).toBeLessThan(0.8);
});

test('scores that are remembered stay what they were, whatever is done with them', async () => {
  let asked = 0;
  const scores: Recommender = {
    async score(users) {
      asked++;
      return Float32Array.from({ length: users.length * 3 }, (_, i) => i);
    },
  };
  const kept = remembered(scores);
  const rare = weighted(kept, Float64Array.of(1, 0.5, 0));
  expect([...(await rare.score([0, 1]))]).toEqual([0, 0.5, 0, 3, 2, 0]);
  expect([...(await kept.score([0, 1]))]).toEqual([0, 1, 2, 3, 4, 5]);
  expect([...(await kept.score([1]))]).toEqual([0, 1, 2]);
  expect(asked).toBe(2);
});

test('what nobody has met is found by its content', { timeout: 120_000 }, async () => {
  const { items, histories: h } = datasetOf(lists, ['i100', 'i101']);
  const random = new Random(4);
  const data = new Float32Array(items.size * 4);
  items.names.forEach((name, i) => {
    for (let k = 0; k < 4; k++) data[i * 4 + k] = (Number(name.slice(1)) % 2 === k % 2 ? 1 : -1) + 0.2 * random.normal();
  });
  const { recommender } = await trainRecommender(matmul, h, { features: [{ dims: 4, data }], k: 5 });
  const [even, odd] = ['i100', 'i101'].map((name) => items.names.indexOf(name)) as [number, number];
  const users = Array.from({ length: h.users }, (_, u) => u);
  const scores = await recommender.score(users);
  const right = users.filter((u) => (scores[u * h.items + even] as number) > (scores[u * h.items + odd] as number) === (u % 2 === 0));
  expect(right.length).toBeGreaterThan(0.95 * users.length);
});

const log = (events: readonly Engagement[]) => [...events].sort((a, b) => a.occurredAt - b.occurredAt).map((e) => ({ timeMs: e.occurredAt, events: [e] }));

test('a replayed row knows what came before it, and neither its own outcome nor anything later', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(500), { minLength: 5, maxLength: 40 }), fc.nat(39), (numbers, at) => {
      const now = Date.UTC(2026, 0, 1);
      const events = log(numbers.map((i) => ({ ...makeEngagement(i, 'replay', now), kind: 'watch' as const, watchedMs: (i * 811) % 9_000 })));
      const cut = Math.min(at, events.length - 1);
      const { data } = replay(events);
      const row = (r: number, x: Float32Array) => Array.from(x.subarray(r * featureCount, (r + 1) * featureCount));
      // Another outcome of this view and of all later ones: the row stays what it was.
      const changed = replay(events.map((v, i) => (i < cut ? v : { ...v, events: v.events.map((e) => ({ ...e, kind: 'report' as const, watchedMs: 1 })) })));
      expect(row(cut, changed.data.x)).toEqual(row(cut, data.x));
      const videoId = events[cut]?.events[0]?.videoId ?? '';
      const before = computeAsOf(
        videoView,
        events.slice(0, cut).map((v) => v.events[0] as Engagement),
        (e) => e.occurredAt,
        events[cut]?.timeMs as number,
      ).get(videoId) as Record<string, number> | undefined;
      expect(row(cut, data.x)[rankingFeature('video.watches_all')]).toBeCloseTo(before?.['watches_all'] ?? 0, 4);
      expect(data.y[cut * outcomeCount + outcomes.indexOf('earlySkip')]).toBe((events[cut]?.events[0]?.watchedMs as number) < 2_000 ? 1 : 0);
    }),
    { numRuns: 40 },
  );
});
