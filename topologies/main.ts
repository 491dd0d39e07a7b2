import { type Adapters, connect, disconnect } from '#infra/adapters.ts';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { systemClock } from '#infra/clock/clock.ts';
import type { Config } from '#infra/config.ts';
import { ForyouError } from '#infra/errors.ts';
import { ThreadedInference } from '#infra/inference/threaded.ts';
import { Clamd } from '#infra/media/clamd.ts';
import { FfmpegMedia } from '#infra/media/ffmpeg.ts';
import { OnnxSoundEncoder, OnnxVisualEncoder } from '#infra/media/onnx-encoders.ts';
import { PictureModel } from '#infra/media/picture-model.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { startEndpoint } from '#infra/telemetry/endpoint.ts';
import { processLimits } from '#schemas/config/media.ts';
import { runTopology } from './engine/runner.ts';
import type { EngineSettings, Services } from './engine/services.ts';
import type { Topology } from './engine/topology.ts';
import { topologies, topologiesNamed, topologyGroups } from './index.ts';
import { type Checked, checkFile } from './processing/check.ts';
import { erasureTopology } from './processing/erasure.ts';
import { KnownPictures } from './processing/known-pictures.ts';
import { type Inspectors, nobody } from './processing/ports.ts';
import type { Watcher } from './processing/process-video.ts';
import { RegisteredWorks, type Work } from './processing/registered-works.ts';
import { reviewsTopology } from './processing/reviews.ts';
import { sweepScratch } from './processing/scratch.ts';
import { processingTopology } from './processing/topology.ts';
import { type Mismatch, verifyMedia } from './processing/verify.ts';

export const settingsFrom = (config: Config): EngineSettings => ({
  dedupeGeneration: config.dedupeGeneration,
  flushMs: config.flushMs,
  mergeBytes: config.mergeBytes,
  foldRecords: 400_000,
  insertMs: 500,
  insertRecords: 200_000,
  insertBytes: 64 * 2 ** 20,
});

const processingName = 'processing';

export interface RunOptions {
  /** Told as tasks of an upload begin and end. */
  readonly atTask?: Watcher['at'];
  readonly metricsPort?: number;
  /** See `Services.at`. */
  readonly at?: Services['at'];
}

/** The processing of uploads, which needs more of the outside world than the others. */
async function uploads(config: Config, adapters: Adapters, { atTask }: RunOptions): Promise<readonly Topology[]> {
  await sweepScratch();
  const blobs = new S3Blobs(config.s3);
  const producer = new EventProducer(adapters);
  const services = {
    blobs,
    media: new FfmpegMedia(config.media.sandbox),
    ...(await inspectors(config)),
    works: new RegisteredWorks(adapters.warehouse),
    pictures: new KnownPictures(adapters.warehouse),
    mediaUrl: config.media.url,
    clock: systemClock,
  };
  return [
    processingTopology(services, producer, config.media.concurrency, atTask),
    reviewsTopology(blobs, producer),
    erasureTopology({ ...adapters, blobs, producer, clock: systemClock }),
  ];
}

/** Who looks at files and needs nothing of the stack. */
async function inspectors({ media, cacheDir }: Config): Promise<Inspectors> {
  const inference = new ThreadedInference();
  const { clamd, visualModel, soundModel } = media;
  return {
    ...nobody,
    scanner: clamd ? new Clamd(clamd) : null,
    classifier: await PictureModel.load(cacheDir, inference),
    visualEncoder: visualModel ? await OnnxVisualEncoder.load(visualModel, inference) : null,
    soundEncoder: soundModel ? await OnnxSoundEncoder.load(soundModel, inference) : null,
  };
}

/** Runs the named topologies in this process until stopped; `failed` rejects when one cannot go on. */
export async function runTopologies(config: Config, name: string, options: RunOptions = {}): Promise<{ stop(): Promise<void>; failed: Promise<never> }> {
  if (name !== processingName && topologiesNamed(name).length === 0) {
    const names = [...Object.keys(topologyGroups), processingName, ...topologies.map((t) => t.name)].join(', ');
    throw new ForyouError('input-invalid', `there is no topology "${name}"`, { fix: `choose one of: ${names}` });
  }
  const adapters = connect(config, `foryou-${name}`);
  const services: Services = { ...adapters, settings: settingsFrom(config), ...(options.at ? { at: options.at } : {}) };
  const endpoint = options.metricsPort ? await startEndpoint(adapters.telemetry, config.host, options.metricsPort) : undefined;
  const chosen = name === processingName ? await uploads(config, adapters, options) : topologiesNamed(name);
  const running = await Promise.all(chosen.map((topology) => runTopology(topology, services)));
  const failed = Promise.race(running.map((r) => r.failed));
  failed.catch(() => {}); // whoever awaits it meets the failure; nobody has to
  return {
    failed,
    async stop() {
      await Promise.all(running.map((r) => r.stop()));
      await endpoint?.stop();
      await disconnect(adapters);
    },
  };
}

/** Files through the processing of uploads, one after another, with nothing around them. */
export async function* checkFiles(config: Config, files: readonly string[], begin: (file: string) => (() => void) | undefined): AsyncGenerator<Checked> {
  const media = new FfmpegMedia(config.media.sandbox);
  const looks = await inspectors(config);
  for (const file of files) {
    const end = begin(file);
    yield await checkFile({ blobs: new MemoryBlobs(), media, ...looks }, file, new AbortController().signal);
    end?.();
  }
}

/** Registers a work by its sound; returns how many words its fingerprint has. */
export async function registerWork(config: Config, file: string, work: Work): Promise<number> {
  const media = new FfmpegMedia(config.media.sandbox);
  const { durationMs } = await media.probeSound(file, { limits: processLimits.probe });
  const words = await media.fingerprint(file, { limits: processLimits.audio, durationMs });
  const adapters = connect(config, 'foryou-media');
  return new RegisteredWorks(adapters.warehouse)
    .register(work, words)
    .then(() => words.length)
    .finally(() => disconnect(adapters));
}

/** Holds the store of media against events and history. */
export async function verifyStore(config: Config, graceMs: number): Promise<{ checked: number; mismatches: readonly Mismatch[] }> {
  const adapters = connect(config, 'foryou-media');
  return verifyMedia({ blobs: new S3Blobs(config.s3), warehouse: adapters.warehouse }, Date.now(), graceMs).finally(() => disconnect(adapters));
}
