import avro from 'avsc';
import { avroOf } from '#schemas/events/avro.ts';
import type { Engagement } from '#schemas/events/engagement.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { Random } from '../../jobs/engine/random.ts';
import { topics } from '../../jobs/simulate/catalogue.ts';
import type { Adapters } from '../adapters.ts';

/** Popularity of videos falls off like a power: an index in [0, n) with most mass at its beginning. */
const skewed = (random: Random, n: number): number => Math.floor(n * random.next() ** 2.2);

/** Engagement as a day of a middling product looks: many viewers, few hits, mostly watches. */
export function makeEvent(i: number, random: Random, nowMs: number, users: number, videos: number): Engagement {
  const video = skewed(random, videos);
  const durationMs = 5_000 + (video % 50) * 1_000;
  const kind = random.chance(0.9) ? 'watch' : random.pick(['like', 'share', 'comment'] as const);
  return {
    eventId: `${i.toString(36).padStart(8, '0')}-bench-event`,
    userId: `user-${random.below(users)}`,
    videoId: `video-${video}`,
    kind,
    occurredAt: nowMs - random.below(3_600_000),
    watchedMs: kind === 'watch' ? random.below(durationMs) : 0,
    durationMs,
    loops: 0,
    playbackRate: 1,
    creatorId: `creator-${video % 997}`,
    topic: topics[video % topics.length] as string,
    region: 'DE',
    requestId: '',
    position: -1,
    arm: '',
    reason: '',
  };
}

/** Fills the engagement topic with so many events; a share of them is of one video. */
export async function fillTopic(adapters: Adapters, count: number, progress: (done: number) => void, hot = 0): Promise<void> {
  const random = new Random(11);
  const type = avro.Type.forSchema(avroOf(engagement) as avro.Schema);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(await adapters.registry.register(engagement.topic, avroOf(engagement)), 1);
  const nowMs = Date.now();
  for (let i = 0; i < count; i += 5_000) {
    const records = Array.from({ length: Math.min(5_000, count - i) }, (_, k) => {
      const spread = makeEvent(i + k, random, nowMs, 20_000, 20_000);
      const event = hot > 0 && random.chance(hot) ? { ...spread, videoId: 'video-viral', creatorId: 'creator-viral', topic: 'music' } : spread;
      return { key: event.userId, value: Buffer.concat([prefix, type.toBuffer(event)]) };
    });
    await adapters.log.append(engagement.topic, records);
    progress(Math.min(count, i + 5_000));
  }
}
