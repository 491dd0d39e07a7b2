import { engagement } from '#schemas/events/engagement.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { readPacked } from '#schemas/features/read.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import { Random } from '../../jobs/engine/random.ts';
import { makeCatalogue } from '../../jobs/simulate/catalogue.ts';
import { signToken } from '../../serving/http/auth.ts';
import { type Adapters, connect, disconnect } from '../adapters.ts';
import { FreshnessProbe, percentile } from '../cli/demo/freshness-probe.ts';
import type { Config } from '../config.ts';
import { lagOf } from '../log/lag.ts';
import { EventProducer } from '../producer/producer.ts';
import { serviceSpecs } from '../stack/services.ts';
import { eventually, startTestStack } from '../testing/test-stack.ts';
import { type BenchRow, figure } from './row.ts';
import { makeEvent } from './workload.ts';

const videos = 20_000;
const backgroundPerSecond = 1_000;

/** Freshness and feature reads on the whole platform, over HTTP where a client would be; the feed's own latency is `feed.ts`. */
export async function serving(say: (line: string) => void): Promise<BenchRow[]> {
  const stack = await startTestStack({ FORYOU_LIMIT_USER: '1000000', FORYOU_LIMIT_ADDRESS: '10000000' });
  const { config } = stack;
  const adapters = connect(config, 'bench');
  try {
    for (const spec of serviceSpecs(config)) if (spec.name !== 'jobs') await stack.stack.startProcess(spec);
    await publish(config, adapters, say);
    return [...(await freshness(config, adapters, say)), await featureRead(adapters, say)];
  } finally {
    await disconnect(adapters);
    await stack.stop();
  }
}

async function publish(config: Config, adapters: Adapters, say: (line: string) => void): Promise<void> {
  const producer = new EventProducer(adapters);
  const catalogue = makeCatalogue(videos, 3, Date.now()).map((v, i) => ({ ...v, videoId: `video-${i}`, eventId: `publish-video-${i}` }));
  for (let i = 0; i < catalogue.length; i += 2_000) await producer.send(videoPublished, catalogue.slice(i, i + 2_000));
  const random = new Random(5);
  const nowMs = Date.now();
  for (let i = 0; i < 100; i++)
    await producer.send(
      engagement,
      Array.from({ length: 1_000 }, (_, k) => makeEvent(i * 1_000 + k, random, nowMs, 5_000, videos)),
    );
  await eventually(
    'the stores hold the catalogue and its history',
    async () =>
      (await lagOf(adapters.log, 'engagement-online', engagement.topic)) === 0 && (await lagOf(adapters.log, 'engagement-history', engagement.topic)) === 0,
    120_000,
  );
  say(`  ${videos} videos, 100000 events of history, serving on port ${config.ports.serving}`);
}

/** Event accepted to the next feed that differs because of it, with other viewers' events in the background. */
async function freshness(config: Config, adapters: Adapters, say: (line: string) => void): Promise<BenchRow[]> {
  const background = startBackground(new EventProducer(adapters));
  try {
    return await swipes(config, say);
  } finally {
    say(`  background: ${(await background()).toFixed(0)} events/s`);
  }
}

/** A swipe cannot be seen when no source offers the video again: some may go that way, and are said. */
const unseenMax = 8;

async function swipes(config: Config, say: (line: string) => void): Promise<BenchRow[]> {
  const p50s: number[] = [];
  const p99s: number[] = [];
  for (let run = 0; run < 3; run++) {
    let unseen = 0;
    const probe = new FreshnessProbe(`http://${config.host}:${config.ports.serving}`, () =>
      signToken(config.jwt, `probe-${crypto.randomUUID()}`, ['explain'], 3_600),
    );
    while (probe.samplesMs.length < 150)
      if ((await probe.measure()) === null && ++unseen > unseenMax) throw new Error('the feed did not change within 10 s, again and again');
    p50s.push(percentile(probe.samplesMs, 0.5));
    p99s.push(percentile(probe.samplesMs, 0.99));
    say(`  freshness run ${run + 1}: p50 ${p50s.at(-1)?.toFixed(1)} ms, p99 ${p99s.at(-1)?.toFixed(1)} ms, ${unseen} could not be seen`);
  }
  return [figure('freshness-ms-p50', 'ms', 100, p50s), figure('freshness-ms-p99', 'ms', 500, p99s)];
}

/** Returns a function that stops and tells the rate that was reached. */
function startBackground(producer: EventProducer): () => Promise<number> {
  const random = new Random(9);
  const began = performance.now();
  let sent = 0;
  const sends = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1_000) * backgroundPerSecond) - sent;
    if (due <= 0 || sends.size > 50) return;
    const nowMs = Date.now();
    const events = Array.from({ length: due }, (_, k) => ({ ...makeEvent(10_000_000 + sent + k, random, nowMs, 5_000, videos), occurredAt: nowMs }));
    sent += due;
    const send = producer.send(engagement, events);
    sends.add(send);
    void send.finally(() => sends.delete(send));
  }, 10);
  return async () => {
    clearInterval(timer);
    await Promise.all(sends);
    return (sent * 1_000) / (performance.now() - began);
  };
}

async function featureRead(adapters: Adapters, say: (line: string) => void): Promise<BenchRow> {
  const random = new Random(21);
  const into = new Float64Array(64);
  const runs: number[] = [];
  for (let run = 0; run < 4; run++) {
    const samples: number[] = [];
    for (let i = 0; i < 300; i++) {
      const ids = Array.from({ length: 1_000 }, () => `video-${random.below(videos)}`);
      const began = performance.now();
      const values = await adapters.online.values(videoView, ids);
      for (const value of values) readPacked(videoView, value, Date.now(), into);
      samples.push(performance.now() - began);
    }
    if (run > 0) runs.push(percentile(samples, 0.99));
    if (run === 3) say(`  feature read of 1000: p50 ${percentile(samples, 0.5).toFixed(2)} ms`);
  }
  return figure('feature-read-1000-ms-p99', 'ms', null, runs);
}
