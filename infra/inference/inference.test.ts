import { afterAll, describe, expect, test } from 'vitest';
import { featuresKey, outcomes, outcomesKey } from '#schemas/artifacts/ranker.ts';
import { type Inference, tensor } from './inference.ts';
import { Interpreter } from './interpreter.ts';
import { encodeOnnx, type OnnxGraph } from './onnx-model.ts';
import { OnnxRuntime } from './onnx-runtime.ts';
import { RowModel, rowsOf } from './row-model.ts';
import { ThreadedInference } from './threaded.ts';

const threaded = new ThreadedInference();
afterAll(() => threaded.close());

/** Each row's sum, and its double. */
const sums: OnnxGraph = {
  name: 'sums',
  nodes: [
    { op: 'ReduceSum', inputs: ['x', 'axes'], outputs: ['sum'], attributes: { keepdims: 1 } },
    { op: 'Add', inputs: ['sum', 'sum'], outputs: ['double'] },
  ],
  constants: [{ name: 'axes', dims: [1], data: BigInt64Array.of(1n) }],
  inputs: [{ name: 'x', dims: ['n', 3] }],
  outputs: [
    { name: 'sum', dims: ['n', 1] },
    { name: 'double', dims: ['n', 1] },
  ],
  metadata: { author: 'a test' },
};

describe.each<[string, Inference]>([
  ['in this thread', new OnnxRuntime()],
  ['in a thread of its own', threaded],
  ['that interprets', new Interpreter()],
])('a runtime %s', (_name, inference) => {
  test('says what a model takes, gives and carries, and runs it with any number of rows', async () => {
    const model = await inference.load(encodeOnnx(sums));
    expect(model.inputs).toMatchObject([{ name: 'x' }]);
    expect(model.inputs[0]?.dims[1]).toBe(3);
    expect(model.outputs.map((o) => o.name)).toEqual(['sum', 'double']);
    expect(model.metadata).toEqual({ author: 'a test' });
    for (const rows of [1, 4]) {
      const { sum, double } = await model.run({
        x: tensor(
          Float32Array.from({ length: rows * 3 }, (_, i) => i),
          rows,
          3,
        ),
      });
      expect(sum?.dims).toEqual([rows, 1]);
      expect(Array.from(sum?.data ?? [], Number)).toEqual(Array.from({ length: rows }, (_, r) => 9 * r + 3));
      expect(Number(double?.data[0])).toBe(6);
    }
    await model.release();
  });

  test('answers runs that were asked for together, each with its own', async () => {
    const model = await inference.load(encodeOnnx(sums));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => model.run({ x: tensor(Float32Array.of(i, i, i), 1, 3) })));
    expect(answers.map((a) => Number(a['sum']?.data[0]))).toEqual(Array.from({ length: 20 }, (_, i) => 3 * i));
    await model.release();
  });

  test('refuses bytes that are no model, and goes on', async () => {
    await expect(inference.load(Buffer.from('not a model'))).rejects.toMatchObject({ code: 'artifact-refused' });
    const model = await inference.load(encodeOnnx(sums));
    await expect(model.run({ x: tensor(Float32Array.of(1, 2), 1, 2) })).rejects.toThrow();
    expect(Number((await model.run({ x: tensor(Float32Array.of(1, 2, 3), 1, 3) }))['sum']?.data[0])).toBe(6);
    await model.release();
  });
});

describe('a model over rows of named features', () => {
  const known = ['a', 'b', 'c', 'd'];
  const row = Float32Array.of(1, 2, 4, 8);
  const matrix = (metadata: Record<string, string>): Buffer => encodeOnnx({ ...sums, outputs: [{ name: 'sum', dims: ['n', 1] }], metadata });
  const load = (bytes: Buffer) => RowModel.load(new OnnxRuntime(), bytes, { known, predicted: outcomes });

  test('gives a matrix its columns in the order that its metadata names', async () => {
    const model = await load(matrix({ [featuresKey]: '["d","a","b"]', [outcomesKey]: '["like"]' }));
    expect(model.predictions).toEqual(['like']);
    expect(Array.from((await model.predict(rowsOf([row, Float32Array.of(0, 0, 9, 1)])))['like'] as Float32Array)).toEqual([11, 1]);
    await model.release();
  });

  test.each([
    [{ [featuresKey]: '["a","b","moon"]', [outcomesKey]: '["like"]' }, /"moon" is no known feature/],
    [{ [featuresKey]: '["a","b"]', [outcomesKey]: '["like"]' }, /3 columns, .* names 2/],
    [{ [featuresKey]: '["a","b","c"]', [outcomesKey]: '["joy"]' }, /"joy" is none of/],
    [{ [featuresKey]: '["a","b","c"]' }, /none of its outputs/],
    [{}, /"x" is no known feature/],
  ] as const)('%o is refused with the reason', async (metadata, reason) => {
    await expect(load(matrix(metadata as Record<string, string>))).rejects.toThrow(reason);
  });

  test('refuses predictions that are no numbers', async () => {
    const model = await load(matrix({ [featuresKey]: '["a","b","c"]', [outcomesKey]: '["like"]' }));
    await expect(model.predict(rowsOf([Float32Array.of(Number.NaN, 0, 0, 0)]))).rejects.toMatchObject({ code: 'artifact-refused' });
    await model.release();
  });
});

test('calls that come while others are on their way go as one, each gets its own rows, and a failure is that turn’s alone', async () => {
  let [runs, broken] = [0, false];
  const slow: Inference = {
    load: async (bytes) => {
      const model = await threaded.load(bytes);
      return {
        ...model,
        run: async (feeds) => {
          runs++;
          if (broken) throw new Error('a bad turn');
          return model.run(feeds);
        },
      };
    },
  };
  const graph = { ...sums, outputs: [{ name: 'like', dims: ['n', 1] }], nodes: [{ op: 'ReduceSum', inputs: ['x', 'axes'], outputs: ['like'] }] };
  const known = ['a', 'b', 'c'];
  const bytes = encodeOnnx({ ...graph, metadata: { [featuresKey]: JSON.stringify(known) } });
  const model = await RowModel.load(slow, bytes, { known, predicted: outcomes });
  const listOf = (call: number) => Array.from({ length: 1 + (call % 7) }, (_, r) => Float32Array.of(call, r, 1));
  const answers = await Promise.all(Array.from({ length: 40 }, (_, call) => model.predict(rowsOf(listOf(call)))));
  for (const [call, answer] of answers.entries())
    expect([...(answer['like'] ?? [])]).toEqual(
      listOf(call)
        .map((row) => row[0] as number)
        .map((a, r) => a + r + 1),
    );
  expect(runs).toBeLessThan(10);
  const crowd = await Promise.allSettled(Array.from({ length: 400 }, () => model.predict(rowsOf(listOf(0)))));
  expect(crowd.filter((c) => c.status === 'rejected').length, 'what waits is bounded').toBeGreaterThan(100);
  broken = true;
  const failed = await Promise.allSettled(Array.from({ length: 5 }, () => model.predict(rowsOf(listOf(1)))));
  expect(failed.map((f) => f.status)).toEqual(Array(5).fill('rejected'));
  broken = false;
  expect([...((await model.predict(rowsOf(listOf(0))))['like'] ?? [])]).toEqual([1]);
  await model.release();
});
