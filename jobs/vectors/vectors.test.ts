import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { MatMul } from '#infra/inference/matmul.ts';
import { OnnxRuntime } from '#infra/inference/onnx-runtime.ts';
import { FoldIn } from '#infra/vectors/fold-in.ts';
import { RowSolver } from '#infra/vectors/least-squares.ts';
import { Random } from '../engine/random.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import { trainAls } from './als.ts';
import { contentNeighbours } from './content.ts';
import { ItemFoldIn } from './item-fold-in.ts';
import { matrixOf, transpose } from './matrix.ts';
import { bestLeaning } from './train-vectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'foryou-vectors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** Two tastes: even users watch the first half of the videos, odd users the second. */
const [users, items] = [60, 40];
const pairs = Array.from({ length: users }, (_, u) => Array.from({ length: 8 }, (_x, j) => [u, (u % 2) * 20 + ((u * 7 + j * 3) % 20)] as const)).flat();
const tastes = matrixOf(
  users,
  items,
  pairs.map((p) => p[0]),
  pairs.map((p) => p[1]),
  null,
);
const settings = { dims: 8, iterations: 6, alpha: 0.01, reg: 0.05, nu: 0.5, content: 0, seed: 1 };

test('a matrix keeps every pair once in either direction', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(6), fc.nat(5), fc.integer({ min: 1, max: 9 })), { maxLength: 40 }), (list) => {
      const m = matrixOf(
        7,
        6,
        list.map((t) => t[0]),
        list.map((t) => t[1]),
        list.map((t) => t[2]),
      );
      const naive = new Map<string, number>();
      for (const [r, c, w] of list) naive.set(`${r} ${c}`, (naive.get(`${r} ${c}`) ?? 0) + w);
      const entries = (x: typeof m, flip: boolean) =>
        Array.from({ length: x.rows }, (_, r) =>
          Array.from({ length: (x.start[r + 1] as number) - (x.start[r] as number) }, (_y, i) => (x.start[r] as number) + i).map(
            (at) => [flip ? `${x.column[at]} ${r}` : `${r} ${x.column[at]}`, x.weight[at]] as const,
          ),
        ).flat();
      expect(new Map(entries(m, false))).toEqual(naive);
      expect(new Map(entries(transpose(m), true))).toEqual(naive);
    }),
  );
});

test('with few entries and with many a row minimises the same loss', () => {
  const dims = 4;
  const others = Float32Array.from({ length: 12 * dims }, (_, i) => Math.cos(i * 1.7));
  const eigen = Float64Array.from([0.3, 0.2, 0.1, 0.05]);
  const prior = Float32Array.from([0.1, -0.2, 0.3, 0]);
  const loss = (u: Float32Array, columns: Int32Array, weights: Float32Array, r: number): number => {
    let sum = 0;
    columns.forEach((c, i) => {
      let dot = 0;
      for (let k = 0; k < dims; k++) dot += (u[k] as number) * (others[c * dims + k] as number);
      sum += (weights[i] as number) * (1 - dot) ** 2;
    });
    for (let k = 0; k < dims; k++) sum += (eigen[k] as number) * (u[k] as number) ** 2 + r * ((u[k] as number) - (prior[k] as number)) ** 2;
    return sum;
  };
  for (const n of [1, 3, 4, 9]) {
    const columns = Int32Array.from({ length: n }, (_, i) => i);
    const weights = Float32Array.from({ length: n }, (_, i) => 1 + (i % 3));
    const u = new Float32Array(dims);
    new RowSolver({ dims, others, eigen, alpha: 0.01, reg: 0.2, nu: 0.5, prior }).solve(columns, weights, 0, n, u, 0);
    const r = 0.2 * Math.sqrt(weights.reduce((a, b) => a + b, 0) + 0.01 * 12);
    const best = loss(u, columns, weights, r);
    for (let k = 0; k < dims; k++)
      for (const step of [-0.01, 0.01]) {
        const moved = u.slice();
        (moved[k] as number) += step;
        expect(loss(moved, columns, weights, r)).toBeGreaterThan(best);
      }
  }
});

test('vectors tell tastes apart, and a viewer with three watches has one at once', async () => {
  const f = await trainAls(tastes, settings, { threads: 2 });
  const score = (vector: Float32Array, item: number) => vector.reduce((sum, value, k) => sum + value * (f.items[item * f.dims + k] as number), 0);
  const fold = new FoldIn({ ...settings, items: f.items.slice(), eigen: f.eigen });
  const vector = fold.user(Int32Array.from([20, 25, 31]), Float32Array.from([1, 1, 1]));
  const mean = (from: number) => Array.from({ length: 20 }, (_, i) => score(vector, from + i)).reduce((a, b) => a + b, 0) / 20;
  expect(mean(20)).toBeGreaterThan(mean(0) + 0.3);
  // Folding a trained user in again gives the trained vector.
  const mine = tastes.column.slice(tastes.start[4], tastes.start[5]);
  const again = fold.user(
    mine,
    Float32Array.from(mine, () => 1),
  );
  again.forEach((value, k) => {
    expect(value).toBeCloseTo(f.users[4 * f.dims + k] as number, 4);
  });
});

test('folding a trained video in again gives the vector of one more pass over the videos', async () => {
  const f = await trainAls(tastes, { ...settings, iterations: 60 }, { threads: 2 });
  const byItem = transpose(tastes);
  const fold = new ItemFoldIn({ ...settings, users: f.users.slice() });
  for (const item of [3, 27]) {
    const mine = byItem.column.slice(byItem.start[item], byItem.start[item + 1]);
    const again = fold.item(
      mine,
      Float32Array.from(mine, () => 1),
    );
    // After so many passes one more changes little.
    again.forEach((value, k) => {
      expect(value).toBeCloseTo(f.items[item * f.dims + k] as number, 2);
    });
  }
});

test('evaluation counts what training never saw, and names file, row and column of what it cannot read', async () => {
  const matmul = await MatMul.load(new OnnxRuntime());
  const train = file('train.tsv', `user\titem\n${pairs.map(([u, i]) => `u${u}\t${i}`).join('\n')}\n`);
  const result = await evaluate(matmul, { train: [train], test: file('test.tsv', 'u0\t19\nu1\t999\nstranger\t3\n'), features: [], k: 5 });
  expect(result).toMatchObject({ users: 3, unknownUsers: 1, unknownItems: 1 });
  expect(result.recall).toBeGreaterThanOrEqual(0);
  const broken = { train: [file('broken.tsv', 'a\t1\nb\t\n')], test: train, features: [], k: 5 };
  await expect(evaluate(matmul, broken)).rejects.toMatchObject({
    code: 'input-invalid',
    message: expect.stringMatching(/broken\.tsv: row 2, column 2 \(item\)/),
  });
  await expect(evaluate(matmul, { ...broken, train: [train], features: [train] })).rejects.toMatchObject({
    message: expect.stringMatching(/is not a \.npy file/),
  });
  await matmul.release();
});

test('where few have watched a video, vectors lean on what looks alike; where looks say nothing, they do not', async () => {
  const random = new Random(11);
  const [viewers, videos, styles, dims] = [300, 2_000, 15, 6];
  const watched = Array.from({ length: viewers }, (_, u) =>
    Array.from({ length: 10 }, () => [u, (u % styles) + styles * random.below(videos / styles)] as const),
  ).flat();
  const matrix = matrixOf(
    viewers,
    videos,
    watched.map((w) => w[0]),
    watched.map((w) => w[1]),
    null,
  );
  const look = (of: (i: number) => number) =>
    Float32Array.from({ length: videos * dims }, (_, at) => Math.sin((1 + of(Math.floor(at / dims))) * (1 + (at % dims)) * 1.3) + 0.1 * random.normal());
  const matmul = await MatMul.load(new OnnxRuntime());
  const neighbours = (data: Float32Array) => contentNeighbours(matmul, [{ dims, data }], 20);
  const plain = await bestLeaning(matmul, matrix, undefined);
  const telling = await bestLeaning(matmul, matrix, await neighbours(look((i) => i % styles)));
  expect(telling.content).toBeGreaterThan(0);
  expect(telling.ndcg).toBeGreaterThan(1.1 * plain.ndcg);
  const lots = Array.from({ length: videos }, () => random.below(styles));
  expect((await bestLeaning(matmul, matrix, await neighbours(look((i) => lots[i] as number)))).content).toBe(0);
  await matmul.release();
});
