import { versionAt } from '#schemas/artifacts/manifest.ts';
import { type ContentSpace, contentSpaceOf, placeIn, spaceDims } from '#schemas/media/content-vector.ts';
import { videosPublished, videosRemoved } from '#schemas/tables/history.ts';
import type { Job, JobRun } from '../engine/job.ts';
import { describedVideos } from '../vectors/described-videos.ts';
import { type Built, buildHnsw, type IndexPorts, indexMargins, indexSettings } from './build-index.ts';

const spaceFile = ({ visual, sound }: ContentSpace): Buffer =>
  Buffer.concat([visual.mean, visual.spread, sound.mean, sound.spread].map((part) => Buffer.from(part.slice().buffer)));

/** Among fewer there is nothing to compare. */
const fewest = 8;

async function build(ports: IndexPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const { model, videos } = await describedVideos(ports.warehouse, new Date(run.hour.getTime() + 3_600_000));
  if (run.dryRun || videos.length < fewest) return { rows: videos.length, promoted: 0 };
  const space = contentSpaceOf(videos);
  const dims = spaceDims(space);
  const ids: string[] = [];
  const all = new Float32Array(videos.length * dims);
  for (const video of videos) {
    const place = placeIn(space, video);
    if (place) all.set(place, dims * (ids.push(video.id) - 1));
  }
  const vectors = all.slice(0, ids.length * dims);
  // What is all the same film has no places.
  if (ids.length < fewest) return { rows: ids.length, promoted: 0 };
  run.progress('build content index', 0, 1);
  const { index, recall }: Built = await buildHnsw({ vectors, dims, queries: vectors });
  run.progress('build content index', 1, 1);
  run.check();
  const { refused } = await ports.artifacts.release(
    {
      kind: 'content',
      version: versionAt(run.hour, run.fence),
      code: ports.code,
      counts: { count: ids.length, dims, visualDims: space.visual.mean.length },
      quality: { recall },
      made: { hour: run.hour.toISOString(), model, metric: 'ip', ef: String(indexSettings.ef) },
    },
    {
      'content.hnsw': Buffer.from(index),
      'items.txt': Buffer.from(ids.join('\n')),
      'items.f32': Buffer.from(vectors.buffer),
      'space.f32': spaceFile(space),
    },
    run.fence,
    indexMargins,
  );
  for (const reason of refused) run.progress(`kept, not promoted: ${reason}`, 1, 1);
  return { rows: ids.length, recall, promoted: refused.length === 0 ? 1 : 0 };
}

export const buildContentIndex: Job<IndexPorts> = {
  name: 'build-content-index',
  doc: 'Builds the index of what videos look and sound like, by which the feed finds what is similar before anybody has answered it.',
  schedule: '17 * * * *',
  inputs: [videosPublished.name, videosRemoved.name],
  outputs: ['artifact:content'],
  run: build,
};
