import { Random } from '../../jobs/engine/random.ts';
import { everyPlace } from '../../serving/feed/candidates.ts';
import { chosen } from '../../serving/feed/chosen.ts';
import type { FeedQuery } from '../../serving/feed/query.ts';
import { feedQuery } from '../../serving/feed/testing.ts';
import { preRank, rank } from '../../serving/ranking/rank.ts';
import { rankerReader } from '../../serving/ranking/ranker-reader.ts';
import { ThreadedRankers } from '../../serving/ranking/threaded-rankers.ts';
import { ArtifactLoader } from '../artifacts/loader.ts';
import { ArtifactStore } from '../artifacts/store.ts';
import { buckets } from '../blobs/blobs.ts';
import { MemoryBlobs } from '../blobs/memory.ts';
import { percentile } from '../cli/demo/freshness-probe.ts';
import { MemoryTelemetry } from '../telemetry/memory.ts';
import { releaseRanker } from '../testing/artifacts.ts';
import { type BenchRow, figure } from './row.ts';

const candidates = 1_000;
const rounds = 3;
const requests = 400;
const warmUp = 50;

/** A request with a thousand candidates, whose features are drawn at random. */
function scene(seed: number, ranker: FeedQuery['ranker']): FeedQuery {
  const random = new Random(seed);
  const query = feedQuery(candidates, { ranker });
  query.candidates.merge([Array.from({ length: candidates }, (_, i) => i)]);
  query.videos.gather(query.candidates.items, candidates, query.candidates.facts);
  query.candidates.features.forEach((_value, i, all) => {
    all[i] = random.normal();
  });
  return query;
}

/** Both stages of ranking as the feed runs them, a thousand candidates at a time, by models with weights that nobody learnt. */
export async function ranking(say: (line: string) => void): Promise<BenchRow[]> {
  const blobs = new MemoryBlobs();
  for (const bucket of buckets) await blobs.createBucket(bucket);
  const store = new ArtifactStore(blobs);
  await releaseRanker(store, 'bench');
  const rankers = new ThreadedRankers();
  const telemetry = new MemoryTelemetry();
  const loader = new ArtifactLoader(store, rankerReader(rankers), telemetry);
  await loader.start(60_000);
  try {
    const ranker = loader.current;
    if (!ranker) throw new Error('the ranker was not loaded');
    const [narrow, score] = [preRank(telemetry), rank(telemetry)];
    const measured: BenchRow[] = [];
    for (const sideBySide of [1, 4, 16]) {
      const runs: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const tookMs: number[] = [];
        const one = async (query: FeedQuery) => {
          const began = performance.now();
          const places = await narrow.choose(query, query.candidates, everyPlace);
          const scorer = await score.score(
            query,
            chosen(query, query.candidates, places, () => []),
          );
          tookMs.push(performance.now() - began);
          if (!scorer.startsWith('ranker')) throw new Error('a model was late: this measured the heuristic');
        };
        const scenes = Array.from({ length: sideBySide }, (_, i) => scene(i + 1, ranker));
        await Promise.all(
          scenes.map(async (query) => {
            for (let i = 0; i < requests / sideBySide; i++) await one(query);
          }),
        );
        runs.push(percentile(tookMs.slice(warmUp), 0.99));
        say(`  ${sideBySide} side by side: p50 ${percentile(tookMs.slice(warmUp), 0.5).toFixed(1)} ms, p99 ${runs.at(-1)?.toFixed(1)} ms`);
      }
      measured.push(figure(sideBySide === 1 ? 'rank-1000-ms-p99' : `rank-1000-ms-p99-c${sideBySide}`, 'ms', 20, runs));
    }
    return measured;
  } finally {
    await loader.stop();
    await rankers.close();
  }
}
