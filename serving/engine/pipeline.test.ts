import { expect, test } from 'vitest';
import { MemoryTelemetry } from '#infra/telemetry/memory.ts';
import { Candidates } from './candidates.ts';
import { type Candidate, found, type Pipeline, runEffects, runPipeline, type Source, ways } from './pipeline.ts';

type Test = Pipeline<Candidates, Candidates, Candidate>;

/** Candidates go by letters here: a is 0. */
const letter = (item: number): string => String.fromCharCode(97 + item);
const source = (name: string, find: () => Promise<string[]>, budgetMs = 50): Source<Candidates> => ({
  name,
  budgetMs,
  find: async () => (await find()).map((id) => id.charCodeAt(0) - 97),
});
const base: Test = {
  name: 'test',
  sources: [],
  candidates: (query) => query,
  turn: async () => {},
  lookUp: [],
  narrow: { name: 'all', choose: async (_q, _c, kept) => kept },
  chosen: (_q, { items }, places, sources) =>
    Array.from(places, (at) => ({ id: letter(items[at] as number), at, sources: sources(at), score: 0, scorer: '', fate: found })),
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

/** Runs it, and says what became of each candidate. */
async function run(parts: Partial<Test>, telemetry = new MemoryTelemetry(), limit = 100) {
  const pipeline = { ...base, ...parts };
  const candidates = new Candidates(limit);
  const result = await runPipeline(pipeline, candidates, telemetry);
  const all = ways(pipeline, candidates, result.chosen).map((w, at) => ({ ...w, id: letter(candidates.items[at] as number) }));
  return { ...result, candidates: all };
}

test('candidates are merged, remember every source, and come out best first', async () => {
  const result = await run({ sources: [source('one', async () => ['a', 'b']), source('two', async () => ['b', 'c'])] });
  expect(result.selected.map((c) => [c.id, c.sources])).toEqual([
    ['c', ['two']],
    ['b', ['one', 'two']],
    ['a', ['one']],
  ]);
});

test('a source that fails or is late costs variety, not the response', async () => {
  const never = source('late', () => new Promise(() => {}), 10);
  const broken = source('broken', async () => Promise.reject(new Error('no')));
  const telemetry = new MemoryTelemetry();
  const result = await run({ sources: [never, broken, source('good', async () => ['a'])] }, telemetry);
  expect(result.selected.map((c) => c.id)).toEqual(['a']);
  expect([...result.failedSources].sort()).toEqual(['broken', 'late']);
  expect(telemetry.value('foryou_source_failures_total', { pipeline: 'test', source: 'late' })).toBe(1);
});

test('filters report what they removed, by name, the first that objects', async () => {
  const filter = [
    { name: 'not-a', keep: (_q: unknown, c: Candidates, at: number) => c.items[at] !== 0 },
    { name: 'not-a-or-b', keep: (_q: unknown, c: Candidates, at: number) => (c.items[at] as number) > 1 },
  ];
  const result = await run({ sources: [source('all', async () => ['a', 'b', 'c'])], filter });
  expect(result.candidates.map((c) => c.fate)).toEqual([
    { stage: 'dropped', by: 'not-a' },
    { stage: 'dropped', by: 'not-a-or-b' },
    { stage: 'selected', rank: 0, moved: [] },
  ]);
});

test('sources take turns up to the limit, and what was narrowed away says so', async () => {
  const narrow = { name: 'no-c', choose: async (_q: unknown, c: Candidates, kept: Int32Array) => kept.filter((at) => c.items[at] !== 2) };
  const sources = [source('one', async () => ['a', 'b', 'x']), source('two', async () => ['c', 'd', 'a'])];
  const result = await run({ sources, narrow }, new MemoryTelemetry(), 3);
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
    { name: 'turn', select: (_q: unknown, list: readonly Candidate[]) => list.toReversed() },
    { name: 'two', select: (_q: unknown, list: readonly Candidate[]) => list.slice(0, 2) },
  ];
  const result = await run({ sources: [source('all', async () => ['a', 'b', 'c'])], select });
  expect(Object.fromEntries(result.candidates.map((c) => [c.id, c.fate]))).toEqual({
    a: { stage: 'selected', rank: 0, moved: [{ by: 'turn', from: 2, to: 0 }] },
    b: { stage: 'selected', rank: 1, moved: [] },
    c: { stage: 'left-out', by: 'two' },
  });
});

test('an effect that fails is counted, and nobody else notices', async () => {
  const telemetry = new MemoryTelemetry();
  const failing = { name: 'log', run: async () => Promise.reject(new Error('away')) };
  runEffects({ ...base, effects: [failing] }, new Candidates(1), [], telemetry);
  await new Promise((resolve) => setImmediate(resolve));
  expect(telemetry.value('foryou_effect_failures_total', { pipeline: 'test', effect: 'log' })).toBe(1);
});
