import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tensor } from '#infra/inference/inference.ts';
import { Interpreter } from '#infra/inference/interpreter.ts';
import { OnnxRuntime } from '#infra/inference/onnx-runtime.ts';
import { RowModel, rowsOf } from '#infra/inference/row-model.ts';
import { outcomes, preRankValue } from '#schemas/artifacts/ranker.ts';
import { heuristicWorth } from '#schemas/features/heuristic.ts';
import { rankingFeature, rankingFeatures } from '#schemas/features/ranking.ts';
import { Random } from '../engine/random.ts';
import { Trainer } from './adam.ts';
import { Tape, type Value } from './autodiff.ts';
import { featureCount, outcomeCount, type RankingData } from './dataset.ts';
import { fitRanker, thirds } from './fit.ts';
import { auc, calibrationError, groupAuc, plattScaling } from './metrics.ts';
import { gainOver } from './quality.ts';

const inference = new OnnxRuntime();

const uniform = (seed: number) => {
  const random = new Random(seed);
  return () => random.next();
};

/** Loss and gradients of a graph over two matrices [3, 2] and [2, 2], as a model. */
async function gradientsOf(build: (tape: Tape, a: Value, w: Value) => Value) {
  const tape = new Tape();
  const [a, w] = [tape.input('a', [3, 2]), tape.input('w', [2, 2])];
  const loss = build(tape, a, w);
  tape.node('Identity', [loss], undefined, 'loss');
  for (const [i, g] of tape.gradients(loss, [a, w]).entries()) tape.node('Identity', [g], undefined, ['da', 'dw'][i]);
  const model = await inference.load(
    tape.model('check', [
      { name: 'loss', dims: [] },
      { name: 'da', dims: [3, 2] },
      { name: 'dw', dims: [2, 2] },
    ]),
  );
  return async (a0: readonly number[], w0: readonly number[]) => {
    const out = await model.run({ a: tensor(Float32Array.from(a0), 3, 2), w: tensor(Float32Array.from(w0), 2, 2) });
    return { loss: Number(out['loss']?.data[0]), da: Array.from(out['da']?.data as Float32Array), dw: Array.from(out['dw']?.data as Float32Array) };
  };
}

const number = fc.integer({ min: -20, max: 20 }).map((n) => n / 10 + 0.037);
const graphs: [string, (tape: Tape, a: Value, w: Value) => Value][] = [
  ['matmul, sigmoid', (t, a, w) => t.sum(t.sigmoid(t.matmul(a, w)))],
  ['softplus of a value used twice', (t, a, w) => t.sum(t.mul(t.softplus(t.matmul(a, w)), t.matmul(a, w)))],
  ['sums', (t, a, w) => t.sum(t.mul(t.add(t.matmul(a, w), a), a))],
];

describe.each(graphs)('gradients of %s', (_name, build) => {
  test('equal differences of the loss', async () => {
    const run = await gradientsOf(build);
    await fc.assert(
      fc.asyncProperty(fc.array(number, { minLength: 6, maxLength: 6 }), fc.array(number, { minLength: 4, maxLength: 4 }), async (a, w) => {
        const { da, dw } = await run(a, w);
        const step = 1e-2;
        const nudged = (list: number[], i: number, by: number) => list.map((v, j) => (i === j ? v + by : v));
        for (let i = 0; i < 6; i++) {
          const difference = ((await run(nudged(a, i, step), w)).loss - (await run(nudged(a, i, -step), w)).loss) / (2 * step);
          expect(Math.abs((da[i] as number) - difference)).toBeLessThan(0.02 * Math.max(1, Math.abs(difference)));
        }
        for (let i = 0; i < 4; i++) {
          const difference = ((await run(a, nudged(w, i, step))).loss - (await run(a, nudged(w, i, -step))).loss) / (2 * step);
          expect(Math.abs((dw[i] as number) - difference)).toBeLessThan(0.02 * Math.max(1, Math.abs(difference)));
        }
      }),
      { numRuns: 15 },
    );
  });
});

test('relu lets a gradient through where its argument is positive, and the row added takes the sum', async () => {
  const tape = new Tape();
  const [a, row] = [tape.input('a', [3, 2]), tape.input('row', [2])];
  const loss = tape.sum(tape.relu(tape.addRow(a, row)));
  for (const [i, g] of tape.gradients(loss, [a, row]).entries()) tape.node('Identity', [g], undefined, ['da', 'drow'][i]);
  const model = await inference.load(
    tape.model('relu', [
      { name: 'da', dims: [3, 2] },
      { name: 'drow', dims: [2] },
    ]),
  );
  const out = await model.run({ a: tensor(Float32Array.of(1, -1, 2, -2, -3, 3), 3, 2), row: tensor(Float32Array.of(0.5, 0.5), 2) });
  expect(Array.from(out['da']?.data ?? [], Number)).toEqual([1, 0, 1, 0, 0, 1]);
  expect(Array.from(out['drow']?.data ?? [], Number)).toEqual([2, 1]);
});

test('Adam finds the least of a square, and its first step is the rate', async () => {
  const target = Float32Array.of(3, -2);
  const loss = {
    parameters: [{ name: 'p', dims: [1, 2], data: new Float32Array(2) }],
    inputs: { target: [1, 2] },
    build: (tape: Tape, p: Record<string, Value>, i: Record<string, Value>) => {
      const d = tape.sub(p['p'] as Value, i['target'] as Value);
      return tape.sum(tape.mul(d, d));
    },
  };
  const trainer = await Trainer.create(inference, loss, { rate: 0.05, decay: 0 });
  expect(await trainer.step({ target: tensor(target, 1, 2) })).toBeCloseTo(13, 4);
  expect([...(trainer.parameters()['p'] as Float32Array)].map((v) => Math.abs(v))).toEqual([expect.closeTo(0.05, 4), expect.closeTo(0.05, 4)]);
  for (let i = 0; i < 600; i++) await trainer.step({ target: tensor(target, 1, 2) });
  expect([...(trainer.parameters()['p'] as Float32Array)]).toEqual([expect.closeTo(3, 2), expect.closeTo(-2, 2)]);
});

test('AUC is the chance that a positive stands above a negative', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { minLength: 2, maxLength: 30 }), (list) => {
      const [scores, labels] = [list.map(([s]) => s), list.map(([, l]) => (l ? 1 : 0))];
      const pairs = list.flatMap(([a, la]) => (la ? list.flatMap(([b, lb]) => (lb ? [] : [a > b ? 1 : a === b ? 0.5 : 0])) : []));
      const naive = pairs.length === 0 ? Number.NaN : pairs.reduce((x: number, y) => x + y, 0) / pairs.length;
      if (Number.isNaN(naive)) expect(auc(scores, labels)).toBeNaN();
      else expect(auc(scores, labels)).toBeCloseTo(naive, 10);
    }),
  );
});

test('group AUC looks within groups alone', () => {
  expect(groupAuc([1, 2, 10, 11, 5], [0, 1, 0, 1, 1], ['a', 'a', 'b', 'b', 'c'])).toEqual({ value: 1, groups: 2 });
});

test('Platt scaling brings overconfident logits back', () => {
  const random = uniform(3);
  const truth = Array.from({ length: 20_000 }, () => random() * 4 - 2);
  const labels = truth.map((z) => (random() < 1 / (1 + Math.exp(-z)) ? 1 : 0));
  const { scale, shift } = plattScaling(
    truth.map((z) => 3 * z + 1),
    labels,
  );
  expect(scale).toBeCloseTo(1 / 3, 1);
  expect(shift).toBeCloseTo(-1 / 3, 1);
  const p = (a: number, b: number) => truth.map((z) => 1 / (1 + Math.exp(-(a * (3 * z + 1) + b))));
  expect(calibrationError(p(scale, shift), labels)).toBeLessThan(0.5 * calibrationError(p(1, 0), labels));
});

/** Rows in which two features decide completion, a third early skips, and the rest is noise. */
function synthetic(rows: number): RankingData {
  const random = uniform(7);
  const x = Float32Array.from({ length: rows * featureCount }, (_, i) => (i % featureCount < 12 ? 10 * random() : 0));
  const y = new Float32Array(rows * outcomeCount);
  for (let r = 0; r < rows; r++) {
    const f = (i: number) => (x[r * featureCount + i] as number) / 10;
    // Neither feature alone says anything of the first outcome: a linear model cannot learn it.
    y[r * outcomeCount] = f(0) > 0.5 !== f(1) > 0.5 ? 1 : 0;
    y[r * outcomeCount + 1] = f(2);
    y[r * outcomeCount + 6] = random() < f(3) ** 2 ? 1 : 0;
  }
  return { rows, x, y, known: new Float32Array(rows * outcomeCount).fill(1), group: Array.from({ length: rows }, (_, r) => `g${r % 50}`) };
}

test('a ranker learns what is there, is calibrated, carries its schema, and its pre-ranker agrees', { timeout: 120_000 }, async () => {
  const data = synthetic(6_000);
  const fitted = await fitRanker(inference, data, thirds(data.rows, 4_500), { epochs: 25 });
  expect(fitted.quality['complete']?.auc).toBeGreaterThan(0.9);
  expect(fitted.quality['complete']?.groupAuc).toBeGreaterThan(0.9);
  expect(fitted.quality['earlySkip']?.auc).toBeGreaterThan(0.75);
  expect(fitted.quality['earlySkip']?.logLoss).toBeLessThan(fitted.quality['earlySkip']?.logLossOfRate as number);
  expect(fitted.quality['earlySkip']?.calibrationError).toBeLessThan(0.06);
  expect(fitted.preRankerAgreement).toBeGreaterThan(0.4);
  const model = await RowModel.load(inference, fitted.ranker, { known: rankingFeatures, predicted: outcomes });
  expect([...model.predictions].sort()).toEqual([...outcomes].sort());
  const rows = Array.from({ length: 200 }, (_, r) => Float32Array.from(data.x.subarray(r * featureCount, (r + 1) * featureCount)));
  const { complete } = await model.predict(rowsOf(rows));
  expect(
    auc(
      complete as Float32Array,
      rows.map((_row, r) => data.y[r * outcomeCount] as number),
    ),
  ).toBeGreaterThan(0.9);
  const small = await RowModel.load(inference, fitted.preRanker, { known: rankingFeatures, predicted: [preRankValue] });
  expect((await small.predict(rowsOf(rows)))['value']).toHaveLength(200);
});

test('training and its models say the same when one number is computed after the other', async () => {
  const data = synthetic(400);
  const rows = Array.from({ length: 40 }, (_, r) => Float32Array.from(data.x.subarray(r * featureCount, (r + 1) * featureCount)));
  const predictions = await Promise.all(
    [inference, new Interpreter()].map(async (runtime) => {
      const fitted = await fitRanker(runtime, data, thirds(data.rows, 300), { epochs: 2 });
      const ranker = await RowModel.load(runtime, fitted.ranker, { known: rankingFeatures, predicted: outcomes });
      const preRanker = await RowModel.load(runtime, fitted.preRanker, { known: rankingFeatures, predicted: [preRankValue] });
      return { ...(await ranker.predict(rowsOf(rows))), ...(await preRanker.predict(rowsOf(rows))) };
    }),
  );
  const [native, interpreted] = predictions as [Record<string, Float32Array>, Record<string, Float32Array>];
  expect(Object.keys(interpreted).sort()).toEqual([...outcomes, preRankValue].sort());
  for (const [name, values] of Object.entries(native))
    for (const [i, value] of values.entries()) expect(Math.abs((interpreted[name]?.[i] as number) - value), `${name} of row ${i}`).toBeLessThan(1e-3);
});

test('a ranker learns nothing from labels that follow nothing', { timeout: 120_000 }, async () => {
  const data = synthetic(3_000);
  const random = uniform(5);
  const shuffled = { ...data, y: data.y.map(() => (random() < 0.5 ? 1 : 0)) };
  const fitted = await fitRanker(inference, shuffled, thirds(data.rows, 2_000), { epochs: 6 });
  expect(Math.abs((fitted.quality['complete']?.auc as number) - 0.5)).toBeLessThan(0.1);
});

test('a ranker is measured as it would serve: one that has seen few beside the heuristic, one that has seen many alone', () => {
  const rows = 400;
  const affinity = rankingFeature('topicAffinity');
  const data: RankingData = {
    rows,
    x: new Float32Array(rows * featureCount),
    y: new Float32Array(rows * outcomeCount),
    known: new Float32Array(rows * outcomeCount).fill(1),
    group: Array.from({ length: rows }, () => 'u'),
  };
  const wrong = new Float32Array(rows * outcomeCount);
  for (let r = 0; r < rows; r++) {
    data.x[r * featureCount + affinity] = r % 2;
    data.y[r * outcomeCount] = r % 2;
    wrong[r * outcomeCount] = 1 - (r % 2);
  }
  const served = Float32Array.from({ length: rows }, (_, r) => heuristicWorth(data.x.subarray(r * featureCount, (r + 1) * featureCount)));
  expect(gainOver(served, wrong, data, 0)).toBe(0);
  expect(gainOver(served, wrong, data, 200)).toBe(0);
  expect(gainOver(served, wrong, data, 1e9)).toBe(-1);
});
