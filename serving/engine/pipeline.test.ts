import { expect, test } from 'vitest';
import { MemoryTelemetry } from '#infra/telemetry/memory.ts';
import { type Candidate, type Pipeline, runEffects, runPipeline, type Source } from './pipeline.ts';

const source = (name: string, find: () => Promise<string[]>, budgetMs = 50): Source<null> => ({ name, budgetMs, find });
const base: Pipeline<null, Candidate> = {
  name: 'test',
  sources: [],
  limit: 100,
  turn: async () => {},
  lookUp: [],
  narrow: { name: 'all', choose: async (_q, list) => list },
  candidate: (id) => ({ id, sources: [], score: 0, scorer: '', fate: { stage: 'found' } }),
  hydrate: [],
  filter: [],
  score: {
    name: 'by-name',
    score: async (_q, list) => {
      for (const c of list) c.score = c.id.charCodeAt(0);
      return 'by-name@1';
    },
  },
  enrich: [],
  select: [],
  effects: [],
};

test('candidates are merged, remember every source, and come out best first', async () => {
  const result = await runPipeline(
    { ...base, sources: [source('one', async () => ['a', 'b']), source('two', async () => ['b', 'c'])] },
    null,
    new MemoryTelemetry(),
  );
  expect(result.selected.map((c) => [c.id, c.sources])).toEqual([
    ['c', ['two']],
    ['b', ['two', 'one']],
    ['a', ['one']],
  ]);
});

test('a source that fails or is late costs variety, not the response', async () => {
  const never = source('late', () => new Promise(() => {}), 10);
  const broken = source('broken', async () => Promise.reject(new Error('no')));
  const telemetry = new MemoryTelemetry();
  const result = await runPipeline({ ...base, sources: [never, broken, source('good', async () => ['a'])] }, null, telemetry);
  expect(result.selected.map((c) => c.id)).toEqual(['a']);
  expect([...result.failedSources].sort()).toEqual(['broken', 'late']);
  expect(telemetry.value('foryou_source_failures_total', { pipeline: 'test', source: 'late' })).toBe(1);
});

test('filters report what they removed, by name, the first that objects', async () => {
  const filter = [
    { name: 'not-a', keep: (_q: null, c: Candidate) => c.id !== 'a' },
    { name: 'not-a-or-b', keep: (_q: null, c: Candidate) => c.id !== 'a' && c.id !== 'b' },
  ];
  const result = await runPipeline({ ...base, sources: [source('all', async () => ['a', 'b', 'c'])], filter }, null, new MemoryTelemetry());
  expect(result.candidates.map((c) => c.fate)).toEqual([
    { stage: 'dropped', by: 'not-a' },
    { stage: 'dropped', by: 'not-a-or-b' },
    { stage: 'selected', rank: 0, moved: [] },
  ]);
});

test('sources take turns up to the limit, and what was narrowed away says so', async () => {
  const narrow = { name: 'no-c', choose: async (_q: null, list: readonly Candidate[]) => list.filter((c) => c.id !== 'c') };
  const sources = [source('one', async () => ['a', 'b', 'x']), source('two', async () => ['c', 'd', 'a'])];
  const result = await runPipeline({ ...base, limit: 3, sources, narrow }, null, new MemoryTelemetry());
  expect(result.candidates.map((c) => [c.id, c.sources])).toEqual([
    ['a', ['one', 'two']],
    ['c', ['two']],
    ['b', ['one']],
  ]);
  expect(result.candidates[1]?.fate).toEqual({ stage: 'left-out', by: 'no-c' });
  expect(result.selected.map((c) => c.id)).toEqual(['b', 'a']);
});

test('selectors are named beside what they moved up and what they left out', async () => {
  const select = [
    { name: 'turn', select: (_q: null, list: readonly Candidate[]) => list.toReversed() },
    { name: 'two', select: (_q: null, list: readonly Candidate[]) => list.slice(0, 2) },
  ];
  const result = await runPipeline({ ...base, sources: [source('all', async () => ['a', 'b', 'c'])], select }, null, new MemoryTelemetry());
  expect(Object.fromEntries(result.candidates.map((c) => [c.id, c.fate]))).toEqual({
    a: { stage: 'selected', rank: 0, moved: [{ by: 'turn', from: 2, to: 0 }] },
    b: { stage: 'selected', rank: 1, moved: [] },
    c: { stage: 'left-out', by: 'two' },
  });
});

test('an effect that fails is counted, and nobody else notices', async () => {
  const telemetry = new MemoryTelemetry();
  const failing = { name: 'log', run: async () => Promise.reject(new Error('away')) };
  runEffects({ ...base, effects: [failing] }, null, [], telemetry);
  await new Promise((resolve) => setImmediate(resolve));
  expect(telemetry.value('foryou_effect_failures_total', { pipeline: 'test', effect: 'log' })).toBe(1);
});
