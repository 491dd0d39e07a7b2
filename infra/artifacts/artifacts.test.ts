import { afterAll, describe, expect, test } from 'vitest';
import { type ArtifactManifest, artifactBucket } from '#schemas/artifacts/manifest.ts';
import { MemoryBlobs } from '../blobs/memory.ts';
import { ForyouError } from '../errors.ts';
import { MemoryTelemetry } from '../telemetry/memory.ts';
import { FoldIn } from '../vectors/fold-in.ts';
import { HnswIndexes } from '../vectors/hnsw.ts';
import { ExactIndexes } from '../vectors/memory.ts';
import { ThreadedIndexes } from '../vectors/threaded.ts';
import type { IndexBuilder, IndexLoader, VectorIndex } from '../vectors/vectors.ts';
import { ArtifactLoader, type ArtifactReader } from './loader.ts';
import { ArtifactStore, type NewArtifact } from './store.ts';

const dims = 8;
const count = 300;
const settings = { m: 16, efConstruction: 100, ef: 60, seed: 1 };
const vectors = Float32Array.from({ length: count * dims }, (_, i) => Math.sin(i * i + i));
const threaded = new ThreadedIndexes();
afterAll(() => threaded.close());
const adapters: [string, IndexBuilder, IndexLoader][] = [
  ['hnswlib', new HnswIndexes(), new HnswIndexes()],
  ['hnswlib in a thread of its own', new HnswIndexes(), threaded],
  ['exact', new ExactIndexes(), new ExactIndexes()],
];

describe.each(adapters)('vector index contract: %s', (_name, builder, indexes) => {
  const bytes = builder.build(vectors, dims, settings);
  test('the nearest by dot product come first, with their products, for each query', async () => {
    const index = await indexes.load(Buffer.from(bytes), { count, dims, ef: 60 });
    const queries = vectors.slice(40 * dims, 42 * dims);
    const exact = await (await new ExactIndexes().load(new ExactIndexes().build(vectors, dims), { count, dims })).search(queries, 5);
    const hits = await index.search(queries, 5);
    expect(hits.length).toBe(2);
    for (const [q, { labels, scores }] of hits.entries()) {
      expect([...labels]).toEqual([...(exact[q]?.labels ?? [])]);
      scores.forEach((score, i) => {
        expect(score).toBeCloseTo(exact[q]?.scores[i] as number, 4);
      });
    }
    expect((await index.search(queries, 10_000))[1]?.labels.length).toBe(count);
    await index.release();
  });
  test('a viewer is folded in beside the index, and what is near his vector is found', async () => {
    const model = { dims, items: vectors, eigen: new Float64Array(dims).fill(0.5), alpha: 0.01, reg: 0.1, nu: 0.5 };
    const index = await indexes.loadViewers(Buffer.from(bytes), { count, dims, ef: 60 }, model);
    const answers = { labels: Int32Array.of(3, 40), weights: Float32Array.of(1, 2) };
    const { vector, hits } = await index.locate(answers, 5);
    expect([...vector]).toEqual([...new FoldIn(model).user(answers.labels, answers.weights)]);
    expect(hits).toEqual((await index.search(vector, 5))[0]);
    expect((await index.locate(answers, 0)).hits.labels.length, 'nothing is searched for').toBe(0);
    await index.release();
  });
  test.each([
    ['another width', () => bytes, { count, dims: dims + 1, ef: 60 }],
    ['another count', () => bytes, { count: count + 1, dims, ef: 60 }],
    ['truncated bytes', () => bytes.subarray(0, bytes.length >> 1), { count, dims, ef: 60 }],
    ['no bytes', () => Buffer.alloc(0), { count, dims, ef: 60 }],
  ])('%s are refused', async (_what, damaged, expected) => {
    await expect(indexes.load(Buffer.from(damaged()), expected)).rejects.toMatchObject({ code: 'artifact-refused' });
  });
});

const reader = (disposed: string[] = []): ArtifactReader<VectorIndex> => ({
  kind: 'index',
  async load(files, manifest) {
    const { count: n, dims: d } = manifest.counts as { count: number; dims: number };
    return new HnswIndexes().load(files['index.hnsw'] as Buffer, { count: n, dims: d, ef: 60 });
  },
  async canary(index) {
    const [hits] = await index.search(vectors.slice(0, index.dims), 1);
    if (hits?.labels[0] !== 0) throw new ForyouError('artifact-refused', 'the canary query finds something else');
  },
  async dispose(index) {
    disposed.push(`${index.count}`);
  },
});
const artifact = (version: string, more: Partial<NewArtifact> = {}): NewArtifact => ({
  kind: 'index',
  version,
  code: 'test',
  counts: { count, dims },
  quality: { recall: 0.98 },
  made: {},
  ...more,
});
// Each vector is its own best match, so that the canary knows the answer.
const unit = vectors.map((value, i) => {
  const from = i - (i % dims);
  return value / Math.hypot(...vectors.subarray(from, from + dims));
});
const good = () => ({ 'index.hnsw': new HnswIndexes().build(unit, dims, settings) });
async function store() {
  const blobs = new MemoryBlobs();
  await blobs.createBucket(artifactBucket);
  return { blobs, store: new ArtifactStore(blobs) };
}
const margins = { quality: { recall: 0.02 }, counts: { count: 0.2 } };

describe('artifact store', () => {
  test('a version is never changed', async () => {
    const { store: s } = await store();
    await s.publish(artifact('1'), good());
    await expect(s.publish(artifact('1'), good())).rejects.toMatchObject({ code: 'fenced' });
  });
  test('what falls behind the running one by more than the margin is kept, not promoted, and says why', async () => {
    const { store: s } = await store();
    expect((await s.release(artifact('1'), good(), 1, margins)).refused).toEqual([]);
    const { refused } = await s.release(artifact('2', { quality: { recall: 0.9 }, counts: { count: 10, dims } }), good(), 2, margins);
    expect(refused).toEqual(['recall 0.9 is more than 2 % under the running 0.98', 'count 10 is more than 20 % under the running 300']);
    expect((await s.list('index')).map((row) => [row.manifest.version, row.running])).toEqual([
      ['1', true],
      ['2', false],
    ]);
    await s.promote('index', '2', 2);
    expect((await s.pointer('index'))?.version).toBe('2');
    expect(await s.rollback('index')).toBe('1');
  });
  test('an earlier run does not replace what a later one promoted', async () => {
    const { store: s } = await store();
    await s.release(artifact('1'), good(), 5, margins);
    await s.publish(artifact('0'), good());
    await expect(s.promote('index', '0', 4)).rejects.toMatchObject({ code: 'fenced' });
  });
  test('of many who promote at once each pointer write builds on what it read', async () => {
    const { store: s } = await store();
    for (const version of ['1', '2', '3']) await s.publish(artifact(version), good());
    await Promise.all(['1', '2', '3'].map((version) => s.promote('index', version, 1)));
    const last = await s.pointer('index');
    expect(last?.previous).not.toBe(last?.version);
  });
});

describe('artifact loader', () => {
  test('a new version is swapped in; requests that hold the old one keep it', async () => {
    const { store: s } = await store();
    const loader = new ArtifactLoader(s, reader(), new MemoryTelemetry());
    await loader.look();
    expect(loader.current).toBeNull();
    await s.release(artifact('1'), good(), 1, margins);
    await loader.look();
    const held = loader.current;
    await s.release(artifact('2'), good(), 2, margins);
    await loader.look();
    expect([held?.version, loader.current?.version]).toEqual(['1', '2']);
    expect(held?.value).not.toBe(loader.current?.value);
    expect((await held?.value.search(unit.slice(0, dims), 1))?.[0]?.labels[0]).toBe(0);
    await loader.stop();
  });

  const damage: [string, (files: Record<string, Buffer>) => Record<string, Buffer> | NewArtifact, RegExp][] = [
    ['flipped byte', (f) => ({ 'index.hnsw': flipped(f['index.hnsw'] as Buffer) }), /another SHA-256/],
    ['truncated file', (f) => ({ 'index.hnsw': (f['index.hnsw'] as Buffer).subarray(0, 99) }), /99 bytes/],
  ];
  test.each(damage)('a %s is refused with its reason, and the last good version goes on', async (_what, damaged, reason) => {
    const { store: s, blobs } = await store();
    const loader = new ArtifactLoader(s, reader(), new MemoryTelemetry());
    await s.release(artifact('1'), good(), 1, margins);
    await loader.look();
    await s.release(artifact('2'), good(), 2, margins);
    await blobs.put(artifactBucket, 'index/2/index.hnsw', (damaged(good()) as Record<string, Buffer>)['index.hnsw'] as Buffer);
    await loader.look();
    expect(loader.current?.version).toBe('1');
    expect(loader.refused).toMatchObject({ version: '2', reason: expect.stringMatching(reason) });
    await loader.stop();
  });

  test('wrong dimensions, an old manifest format and a failing canary are refused', async () => {
    const { store: s, blobs } = await store();
    const loader = new ArtifactLoader(s, reader(), new MemoryTelemetry());
    const refusal = async (version: string): Promise<string | undefined> => {
      await s.promote('index', version, 1).catch(() => blobs.put(artifactBucket, 'index/current.json', Buffer.from(JSON.stringify({ version, fence: 1 }))));
      await loader.look();
      return loader.refused?.version === version ? loader.refused.reason : undefined;
    };
    await s.publish(artifact('wide', { counts: { count, dims: 16 } }), good());
    expect(await refusal('wide')).toMatch(/300 vectors of 8 dimensions, 300 of 16/);
    await s.publish(artifact('other'), {
      'index.hnsw': new HnswIndexes().build(
        unit.map((v) => -v),
        dims,
        settings,
      ),
    });
    expect(await refusal('other')).toMatch(/canary/);
    const manifest = await s.publish(artifact('old'), good());
    const old: ArtifactManifest = { ...manifest, format: 0 };
    await blobs.put(artifactBucket, 'index/old/manifest.json', Buffer.from(JSON.stringify(old)));
    expect(await refusal('old')).toMatch(/manifest format 0/);
    expect(loader.current).toBeNull();
    await loader.stop();
  });
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] as number) ^ 1;
  return copy;
}
