import { setTimeout } from 'node:timers/promises';
import { follow } from '#infra/log/follow.ts';
import type { Log, LogConsumer } from '#infra/log/log.ts';
import { EventReader } from '#infra/registry/event-reader.ts';
import type { SchemaRegistry } from '#infra/registry/registry.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { isInTime } from '#schemas/events/times.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { type ContentCard, cardOfEvent, contentOfEvent, type VideoCard } from '#schemas/features/views/videos.ts';

/** Who wants to know of publications and removals as they happen. */
export interface VideoListener {
  following: boolean;
  learn(id: string, timeMs: number, card: VideoCard | null, content: ContentCard | null): void;
}

const retryMs = 1_000;

/** Keeps the listener as new as the log. When the log cannot be read the listener is told, and it is tried again. */
export function followVideos(ports: { log: Log; registry: SchemaRegistry; telemetry: Telemetry }, listener: VideoListener): { stop(): Promise<void> } {
  const { log, registry, telemetry } = ports;
  const published = new EventReader(videoPublished, registry);
  const removed = new EventReader(videoRemoved, registry);
  const ending = new AbortController();
  let running: LogConsumer[] = [];

  const begin = async (): Promise<void> => {
    running.push(
      await follow(log, videoPublished.topic, async (records) => {
        for (const record of records) {
          const e = await published.read(record);
          if (e && isInTime(e.occurredAt, record.appendedAtMs)) listener.learn(e.videoId, e.occurredAt, cardOfEvent(e), contentOfEvent(e));
        }
      }),
    );
    running.push(
      await follow(log, videoRemoved.topic, async (records) => {
        for (const record of records) {
          const e = await removed.read(record);
          if (e && isInTime(e.occurredAt, record.appendedAtMs)) listener.learn(e.videoId, e.occurredAt, null, null);
        }
      }),
    );
  };
  const end = async () => {
    const old = running;
    running = [];
    await Promise.allSettled(old.map((consumer) => consumer.stop()));
  };
  const work = (async () => {
    while (!ending.signal.aborted) {
      try {
        await begin();
        listener.following = true;
        telemetry.gauge('foryou_catalogue_following', {}, 1);
        await Promise.race([...running.map((consumer) => consumer.failed), aborted(ending.signal)]);
      } catch {
        // Said by the gauge below.
      }
      listener.following = false;
      telemetry.gauge('foryou_catalogue_following', {}, 0);
      await end();
      await setTimeout(retryMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      ending.abort();
      await work;
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
