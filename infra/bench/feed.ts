import { Pool } from 'undici';
import { versionAt } from '#schemas/artifacts/manifest.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { publishedVideo, type VideoPublished, videoPublished } from '#schemas/events/video-published.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { Random } from '../../jobs/engine/random.ts';
import { regions, topics } from '../../jobs/simulate/catalogue.ts';
import { signToken } from '../../serving/http/auth.ts';
import { type Adapters, connect, disconnect } from '../adapters.ts';
import { ArtifactStore } from '../artifacts/store.ts';
import { S3Blobs } from '../blobs/s3.ts';
import { percentile } from '../cli/demo/freshness-probe.ts';
import type { Config } from '../config.ts';
import { lagOf } from '../log/lag.ts';
import { EventProducer } from '../producer/producer.ts';
import { serviceSpecs } from '../stack/services.ts';
import { releaseIndex, releaseRanker } from '../testing/artifacts.ts';
import { eventually, startTestStack } from '../testing/test-stack.ts';
import { HnswIndexes } from '../vectors/hnsw.ts';
import { ExactIndexes } from '../vectors/memory.ts';
import { type BenchRow, figure } from './row.ts';
import { makeEvent } from './workload.ts';

const dims = 64;
const viewers = 2_000;
const hnsw = { m: 16, efConstruction: 100, ef: 120, seed: 1 };

/** The whole feed at a size: index and ranker loaded, about a thousand candidates scored for each answer. */
export const feedAt =
  (videos: number, name: string) =>
  async (say: (line: string) => void): Promise<BenchRow[]> => {
    const stack = await startTestStack({ FORYOU_LIMIT_USER: '1000000', FORYOU_LIMIT_ADDRESS: '10000000' });
    const { config } = stack;
    const adapters = connect(config, 'bench');
    try {
      for (const spec of serviceSpecs(config)) if (spec.name === 'online') await stack.stack.startProcess(spec);
      await fill(adapters, videos, say);
      const recall = await publishArtifacts(config, videos, name, say);
      for (const spec of serviceSpecs(config)) if (spec.name === 'serving') await stack.stack.startProcess(spec);
      await eventually('the artifacts serve', () => artifactsServe(config), 300_000);
      for (let i = 0; i < 200; i++) await pageFor(config, `user-${i}`);
      await look(config, say);
      return [...recall, ...(await feed(config, name, say)), ...(await liveness(config, adapters, name, say))];
    } finally {
      await disconnect(adapters);
      await stack.stop();
    }
  };

const video = (i: number, random: Random, nowMs: number): VideoPublished =>
  publishedVideo({
    eventId: `publish-video-${i}`,
    videoId: `video-${i}`,
    creatorId: `creator-${i % 9_973}`,
    occurredAt: nowMs - random.below(20 * 86_400_000),
    durationMs: 5_000 + random.below(55_000),
    caption: `A clip, number ${i}`,
    topics: [topics[i % topics.length] as string],
    region: random.pick(regions),
    hlsUrl: `/media/video-${i}/master.m3u8`,
    posterUrl: `/media/video-${i}/poster.webp`,
    firstSegmentUrl: `/media/video-${i}/360p/0.m4s`,
  });

async function fill(adapters: Adapters, videos: number, say: (line: string) => void): Promise<void> {
  const producer = new EventProducer(adapters);
  const random = new Random(3);
  const nowMs = Date.now();
  const caughtUp = async (group: string, topic: string) => (await lagOf(adapters.log, group, topic)) === 0;
  for (let from = 0; from < videos; from += 5_000)
    await producer.send(
      videoPublished,
      Array.from({ length: Math.min(5_000, videos - from) }, (_, i) => video(from + i, random, nowMs)),
    );
  const events = 400_000;
  for (let from = 0; from < events; from += 5_000)
    await producer.send(
      engagement,
      Array.from({ length: 5_000 }, (_, i) => makeEvent(from + i, random, nowMs, viewers, videos)),
    );
  await eventually(
    'the online store holds all of it',
    async () => (await caughtUp('videos-published-online', videoPublished.topic)) && (await caughtUp('engagement-online', engagement.topic)),
    900_000,
  );
  say(`  ${videos} videos, ${events} events of ${viewers} viewers`);
}

/** Vectors around the means of their topics, and a network with weights drawn at random: as costly as learnt ones. */
async function publishArtifacts(config: Config, videos: number, name: string, say: (line: string) => void): Promise<BenchRow[]> {
  const store = new ArtifactStore(new S3Blobs(config.s3));
  const random = new Random(7);
  const means = Float32Array.from({ length: topics.length * dims }, () => random.normal());
  const items = new Float32Array(videos * dims);
  for (let i = 0; i < items.length; i++) items[i] = (means[(Math.floor(i / dims) % topics.length) * dims + (i % dims)] as number) + 0.7 * random.normal();
  const began = performance.now();
  const indexes = new HnswIndexes();
  const index = indexes.build(items, dims, hnsw);
  say(`  index of ${videos} built in ${((performance.now() - began) / 1_000).toFixed(0)} s, ${(index.length / 1e6).toFixed(0)} MB`);
  const rows = await recallOf(index, items, videos, name, say);
  const version = versionAt(new Date(), 1);
  await releaseIndex(store, version, { ids: Array.from({ length: videos }, (_, i) => `video-${i}`), items, index, ef: hnsw.ef, topics, means });
  await releaseRanker(store, version);
  return rows;
}

/** Share of the exact best 100 that the index finds for viewers, and how long one of them waits for it. */
async function recallOf(bytes: Buffer, items: Float32Array, videos: number, name: string, say: (line: string) => void): Promise<BenchRow[]> {
  const index = await new HnswIndexes().load(Buffer.from(bytes), { count: videos, dims, ef: hnsw.ef });
  const exact = await new ExactIndexes().load(new ExactIndexes().build(items, dims), { count: videos, dims });
  const random = new Random(13);
  const took: number[] = [];
  let found = 0;
  const asked = 30;
  const k = 100;
  for (let q = 0; q < asked; q++) {
    const place = random.below(videos);
    const query = items.slice(place * dims, (place + 1) * dims).map((v) => v + 0.3 * random.normal());
    const [wanted] = await exact.search(query, k);
    const began = performance.now();
    const [hits] = await index.search(query, k);
    took.push(performance.now() - began);
    const worst = wanted?.scores.at(-1) ?? 0;
    found += (hits?.scores ?? []).filter((s) => s >= worst - 1e-4).length;
  }
  say(`  recall@${k} ${(found / asked / k).toFixed(3)}, a search p50 ${percentile(took, 0.5).toFixed(2)} ms`);
  return [
    figure(`retrieval-${name}-recall-at-100`, 'share', null, [found / asked / k]),
    figure(`retrieval-${name}-search-ms-p99`, 'ms', null, [percentile(took, 0.99)]),
  ];
}

const base = (config: Config) => `http://${config.host}:${config.ports.serving}`;

async function artifactsServe(config: Config): Promise<boolean> {
  const { artifacts } = (await (await fetch(`${base(config)}/readyz`)).json()) as { artifacts: Record<string, string | null> };
  return ['index', 'ranker'].every((kind) => artifacts[kind] !== null);
}

interface Page {
  readonly items: readonly { readonly videoId: string }[];
  readonly degraded: boolean;
  readonly scorer: string;
  readonly explain?: {
    readonly counts: Record<string, number>;
    readonly failedSources: readonly string[];
    readonly candidates: readonly { videoId: string; by: string }[];
  };
}

const pageFor = async (config: Config, user: string, more = ''): Promise<Page> => {
  const token = await signToken(config.jwt, user, ['explain'], 3_600);
  const url = `${base(config)}/api/v1/feed/foryou?count=10&region=DE&session_id=${crypto.randomUUID()}&explain=1${more}`;
  return (await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json()) as Page;
};

async function look(config: Config, say: (line: string) => void): Promise<void> {
  const pages = await Promise.all(Array.from({ length: 20 }, (_, i) => pageFor(config, `user-${i}`)));
  const kept = pages.map((p) => p.explain?.counts['kept'] ?? 0);
  say(
    `  candidates scored: ${Math.min(...kept)} to ${Math.max(...kept)}; scorer ${pages[0]?.scorer}; failed sources: ${pages[0]?.explain?.failedSources.join(', ') || 'none'}`,
  );
}

/** Closed loop: so many clients, each asking again as soon as it has its answer. */
async function feed(config: Config, name: string, say: (line: string) => void): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const tokens = await Promise.all(Array.from({ length: 500 }, (_, i) => signToken(config.jwt, `user-${i}`, [], 3_600)));
  for (const concurrency of [1, 4, 16]) {
    const pool = new Pool(base(config), { connections: concurrency });
    const runs: number[] = [];
    for (let run = 0; run < 4; run++) {
      const samples: number[] = [];
      let [next, fromMemory] = [0, 0];
      const client = async () => {
        while (next < 800) {
          const i = next++;
          const began = performance.now();
          const { statusCode, body } = await pool.request({
            method: 'GET',
            path: `/api/v1/feed/foryou?count=10&region=DE&session_id=${crypto.randomUUID()}`,
            headers: { authorization: `Bearer ${tokens[i % tokens.length]}` },
          });
          const page = (await body.json()) as Page;
          if (statusCode !== 200 || page.items.length !== 10) throw new Error(`the feed answered ${statusCode} with ${page.items?.length} items`);
          if (page.degraded) fromMemory++;
          samples.push(performance.now() - began);
        }
      };
      const stages = await stageTimes(config);
      await Promise.all(Array.from({ length: concurrency }, client));
      // A page from memory is no page of this feed: a few among hundreds are a busy machine's.
      if (run > 0 && fromMemory > samples.length / 100) throw new Error(`${fromMemory} of ${samples.length} pages came from memory`);
      // The first run warms up and does not count.
      if (run > 0) runs.push(percentile(samples, 0.99));
      if (run === 3) {
        const after = await stageTimes(config);
        const spent = [...after.mean].map(
          ([stage, v]) => `${stage} ${((v.sum - (stages.mean.get(stage)?.sum ?? 0)) / (v.count - (stages.mean.get(stage)?.count ?? 0))).toFixed(1)}`,
        );
        say(
          `  ${name} at ${concurrency}: p50 ${percentile(samples, 0.5).toFixed(1)} ms, p99 ${percentile(samples, 0.99).toFixed(1)} ms; ms by stage: ${spent.join(', ')}; event loop p99 ${after.loop} ms`,
        );
      }
    }
    await pool.close();
    rows.push(figure(`feed-${name}-1000-ms-p99-c${concurrency}`, 'ms', concurrency === 4 ? 50 : null, runs));
  }
  return rows;
}

/** Sums and counts of the stages so far, from the service's own metrics. */
async function stageTimes(config: Config): Promise<{ mean: Map<string, { sum: number; count: number }>; loop: string }> {
  const token = await signToken(config.jwt, 'operator', ['operator'], 600);
  const text = await (await fetch(`${base(config)}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
  const mean = new Map<string, { sum: number; count: number }>();
  for (const [, what, stage, value] of text.matchAll(/^foryou_stage_ms_(sum|count)\{.*stage="([a-z]+)".*\} ([\d.e+-]+)$/gm)) {
    const known = mean.get(stage as string) ?? { sum: 0, count: 0 };
    known[what as 'sum' | 'count'] = Number(value);
    mean.set(stage as string, known);
  }
  return { mean, loop: /^foryou_event_loop_delay_ms\{quantile="0.99"\} ([\d.]+)/m.exec(text)?.[1] ?? '?' };
}

/** A video published until a viewer's feed has it as a candidate; and removed until it drops it. Asked from outside, over HTTP. */
async function liveness(config: Config, adapters: Adapters, name: string, say: (line: string) => void): Promise<BenchRow[]> {
  const producer = new EventProducer(adapters);
  const random = new Random(99);
  const published: number[] = [];
  const removed: number[] = [];
  const until = async (id: string, test: (by: string | undefined) => boolean) => {
    const began = performance.now();
    for (;;) {
      const page = await pageFor(config, 'watcher');
      if (test(page.explain?.candidates.find((c) => c.videoId === id)?.by)) return performance.now() - began;
      if (performance.now() - began > 20_000) throw new Error(`${id} was not ${published.length > removed.length ? 'removed' : 'found'} within 20 s`);
    }
  };
  for (let i = 0; i < 100; i++) {
    const made = { ...video(10_000_000 + i, random, Date.now()), occurredAt: Date.now() };
    await producer.send(videoPublished, [made]);
    published.push(await until(made.videoId, (by) => by !== undefined && by !== 'still-visible'));
    await producer.send(videoRemoved, [{ eventId: `remove-${made.videoId}`, videoId: made.videoId, occurredAt: Date.now(), reason: 'creator' }]);
    removed.push(await until(made.videoId, (by) => by === undefined || by === 'still-visible'));
  }
  say(`  published to recommendable p50 ${percentile(published, 0.5).toFixed(0)} ms, removed to gone p50 ${percentile(removed, 0.5).toFixed(0)} ms`);
  return name === '100k'
    ? [
        figure('publish-to-recommendable-ms-p99', 'ms', 2_000, [percentile(published, 0.99)]),
        figure('remove-to-gone-ms-p99', 'ms', 1_000, [percentile(removed, 0.99)]),
      ]
    : [];
}
