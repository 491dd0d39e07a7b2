import { expect, test } from 'vitest';
import { ArtifactStore } from '#infra/artifacts/store.ts';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { artifactBucket, versionAt } from '#schemas/artifacts/manifest.ts';
import type { JobRun } from '../engine/job.ts';
import { type SweepArtifactsPorts, sweepArtifacts } from './sweep-artifacts.ts';

const now = new Date('2026-11-21T12:00:00Z');
const hoursAgo = (hours: number) => versionAt(new Date(now.getTime() - hours * 3_600_000), hours);

async function setting() {
  const blobs = new MemoryBlobs();
  await blobs.createBucket(artifactBucket);
  const artifacts = new ArtifactStore(blobs);
  const publish = (hours: number) =>
    artifacts.publish({ kind: 'index', version: hoursAgo(hours), code: '', counts: {}, quality: {}, made: {} }, { a: Buffer.from('a'), b: Buffer.from('b') });
  const run = (more: Partial<JobRun> = {}) =>
    sweepArtifacts.run({ artifacts } as unknown as SweepArtifactsPorts, { hour: now, dryRun: false, fence: 1, check: () => {}, progress: () => {}, ...more });
  const left = async () => (await artifacts.versions('index')).map((v) => v.version);
  return { blobs, artifacts, publish, run, left };
}

test('old versions go, with all their files; what runs, what ran before it and the newest stay', async () => {
  const { blobs, artifacts, publish, run, left } = await setting();
  for (const hours of [200, 150, 120, 100, 90, 80, 70, 60, 50, 40]) await publish(hours);
  await artifacts.promote('index', hoursAgo(150), 1);
  await artifacts.promote('index', hoursAgo(100), 1);
  // A version that was never finished.
  await blobs.put(artifactBucket, `index/${hoursAgo(190)}/index.hnsw`, Buffer.from('half'));
  expect(await run({ dryRun: true })).toEqual({ rows: 11, removed: 6 });
  expect(await left()).toHaveLength(11);
  expect(await run()).toEqual({ rows: 11, removed: 6 });
  expect(await left()).toEqual([150, 100, 60, 50, 40].map(hoursAgo));
  expect((await blobs.list(artifactBucket, `index/${hoursAgo(200)}`)).length).toBe(0);
  expect(await artifacts.rollback('index')).toBe(hoursAgo(150));
  expect(await run()).toEqual({ rows: 5, removed: 0 });
});

test('versions of the last two days stay however many; one that serves cannot be removed; a lost lease removes nothing', async () => {
  const { artifacts, publish, run, left } = await setting();
  for (let hours = 1; hours <= 40; hours++) await publish(hours);
  await publish(60);
  await artifacts.promote('index', hoursAgo(1), 1);
  const lost = () => {
    throw new Error('lost');
  };
  await expect(run({ check: lost })).rejects.toThrow('lost');
  expect(await left()).toHaveLength(41);
  expect(await run()).toMatchObject({ removed: 1 });
  await expect(artifacts.remove('index', hoursAgo(1))).rejects.toMatchObject({ code: 'input-invalid' });
});
