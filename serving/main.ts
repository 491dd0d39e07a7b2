import { setTimeout } from 'node:timers/promises';
import { type Adapters, connect, disconnect } from '#infra/adapters.ts';
import { ArtifactLoader } from '#infra/artifacts/loader.ts';
import { ArtifactStore } from '#infra/artifacts/store.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { uploadsOf } from '#infra/blobs/s3-uploads.ts';
import { systemClock } from '#infra/clock/clock.ts';
import type { Config } from '#infra/config.ts';
import { RedisOnlineStore } from '#infra/online/redis.ts';
import { GatheringProducer } from '#infra/producer/gathering-producer.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { RedisSessions } from '#infra/sessions/redis.ts';
import { watchEventLoop } from '#infra/telemetry/event-loop.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import type { ThreadCalls } from '#infra/threads/calls.ts';
import { ThreadedIndexes } from '#infra/vectors/threaded.ts';
import { Catalogue } from './catalogue/catalogue.ts';
import { followVideos } from './catalogue/follow-videos.ts';
import { LiveVideos } from './catalogue/live-videos.ts';
import { Fallback } from './feed/fallback.ts';
import { FeedService } from './feed/feed-service.ts';
import { SharedLists } from './feed/sources/shared-lists.ts';
import { TrialAudience } from './feed/sources/trial-audience.ts';
import { authenticator } from './http/auth.ts';
import { buildServer } from './http/server.ts';
import { rankerReader } from './ranking/ranker-reader.ts';
import { ThreadedRankers } from './ranking/threaded-rankers.ts';
import { contentReader } from './retrieval/content-reader.ts';
import { indexReader } from './retrieval/index-reader.ts';
import { LiveDelta } from './retrieval/live-delta.ts';
import { NewLooks } from './retrieval/new-looks.ts';
import { UploadService } from './uploads/upload-service.ts';

/** A slow store is worse than none: the feed then answers from memory. */
const onlineTimeoutMs = 250;

/** How soon features that everybody shares follow a change. */
const refreshEveryMs = 100;
const nothing: readonly string[] = [];

/** How soon a promoted artifact serves. */
const artifactsEveryMs = 2_000;

/** What jobs made and serving swaps in: the index and the ranker, each in a thread that is loaded again when it dies. */
async function learntArtifacts(blobs: S3Blobs, telemetry: Telemetry) {
  const artifacts = new ArtifactStore(blobs);
  const rankers = new ThreadedRankers();
  const indexes = new ThreadedIndexes();
  const index = new ArtifactLoader(artifacts, indexReader(indexes), telemetry);
  const content = new ArtifactLoader(artifacts, contentReader(indexes), telemetry);
  const ranker = new ArtifactLoader(artifacts, rankerReader(rankers), telemetry);
  indexes.calls.onEnd = () => {
    void index.reload();
    void content.reload();
  };
  rankers.calls.onEnd = () => void ranker.reload();
  const loaders = [index, content, ranker];
  await Promise.all(loaders.map((loader) => loader.start(artifactsEveryMs)));
  return {
    models: { retrieval: () => index.current, content: () => content.current, ranker: () => ranker.current },
    versions: () => ({ index: index.current?.version ?? null, content: content.current?.version ?? null, ranker: ranker.current?.version ?? null }),
    threads: { index: indexes.calls, models: rankers.calls },
    async stop() {
      await Promise.all(loaders.map((loader) => loader.stop()));
      await Promise.all([rankers.close(), indexes.close()]);
    },
  };
}

/** Without Redis, or with one that is slow to answer, the process starts all the same and answers degraded until it is there. */
async function onlineStore(config: Config, { catalog }: Adapters): Promise<RedisOnlineStore> {
  const online = new RedisOnlineStore({ url: config.redisUrl, shards: config.onlineShards, catalog, commandTimeoutMs: onlineTimeoutMs, failFast: true });
  await Promise.race([new Promise<void>((resolve) => online.client.once('ready', () => resolve())), setTimeout(3_000)]);
  return online;
}

/** The videos that this process knows: as new as the log, with features as new as the store. */
function knownVideos(adapters: Adapters, online: RedisOnlineStore) {
  const catalogue = new Catalogue(online);
  online.tell(catalogue);
  const delta = new LiveDelta();
  const looks = new NewLooks();
  const following = followVideos(adapters, new LiveVideos(online, catalogue, delta, looks));
  return {
    catalogue,
    delta,
    looks,
    stop() {
      catalogue.stop();
      return following.stop();
    },
  };
}

/** The serving process: starts listening, and returns how to stop it. */
export async function serve(config: Config): Promise<{ stop(): Promise<void>; threads: { readonly index: ThreadCalls; readonly models: ThreadCalls } }> {
  const adapters = connect(config, 'foryou-serving');
  const online = await onlineStore(config, adapters);
  const producer = new EventProducer(adapters);
  const gathering = new GatheringProducer(producer);
  const { telemetry } = adapters;
  const loop = watchEventLoop(telemetry);
  const { catalogue, delta, looks, stop: forgetVideos } = knownVideos(adapters, online);
  const lists = new SharedLists(online);
  const fallback = new Fallback(lists, catalogue);
  await fallback.start(2_000);
  const blobs = new S3Blobs(config.s3);
  const learnt = await learntArtifacts(blobs, telemetry);
  catalogue.start(refreshEveryMs, () => learnt.models.retrieval()?.value.ids ?? nothing);
  const services = {
    online,
    producer,
    gathering,
    clock: systemClock,
    telemetry,
    models: learnt.models,
    catalogue,
    delta,
    looks,
    lists,
    trials: new TrialAudience(),
  };
  const feed = new FeedService(services, new RedisSessions(online.client), fallback);

  const missing = async () => {
    const checks: [string, Promise<unknown>][] = [
      ['redis', online.client.ping()],
      ['kafka', adapters.log.clusterId()],
    ];
    const answers = await Promise.allSettled(checks.map(([, check]) => check));
    return checks.filter((_check, i) => answers[i]?.status === 'rejected').map(([name]) => name);
  };
  const app = await buildServer({
    services: {
      ...services,
      warehouse: adapters.warehouse,
      feed,
      uploadService: new UploadService({ ...services, blobs, uploads: uploadsOf(config) }),
      missing,
      versions: learnt.versions,
    },
    authenticate: authenticator(config.jwt),
    limits: config.limits,
    limitStore: online.client,
    logLevel: config.logLevel,
  });
  await app.listen({ host: config.host, port: config.ports.serving });
  return {
    threads: learnt.threads,
    async stop() {
      await app.close();
      await gathering.settled();
      loop.stop();
      fallback.stop();
      await forgetVideos();
      await learnt.stop();
      await online.close();
      await disconnect(adapters);
    },
  };
}
