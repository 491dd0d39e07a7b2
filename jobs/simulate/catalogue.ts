import { publishedVideo, type VideoPublished } from '#schemas/events/video-published.ts';
import { Random } from '../engine/random.ts';

export const topics = [
  'cooking',
  'football',
  'cats',
  'dogs',
  'dance',
  'comedy',
  'science',
  'gaming',
  'travel',
  'fashion',
  'fitness',
  'music',
  'diy',
  'cars',
  'nature',
  'news',
  'art',
  'books',
  'beauty',
  'tech',
] as const;
export const regions = ['DE', 'FR', 'US', 'IN', 'BR', 'CN'] as const;

/** Videos that simulated creators publish; the same seed makes the same ones, and publishing them again changes nothing. */
export function makeCatalogue(count: number, seed: number, nowMs: number): VideoPublished[] {
  const random = new Random(seed ^ 0x5eed);
  return Array.from({ length: count }, (_, i) => {
    const topic = random.pick(topics);
    const videoId = `sim-${seed}-v${i}`;
    return publishedVideo({
      eventId: `publish-${videoId}`,
      videoId,
      creatorId: `sim-${seed}-c${random.below(Math.max(1, Math.floor(count / 8)))}`,
      occurredAt: nowMs - random.below(48 * 3_600_000),
      durationMs: 5_000 + random.below(55_000),
      caption: `A clip about ${topic}`,
      topics: [topic],
      region: random.pick(regions),
      hlsUrl: `/media/${videoId}/master.m3u8`,
      posterUrl: `/media/${videoId}/poster.webp`,
      firstSegmentUrl: `/media/${videoId}/360p/0.m4s`,
    });
  });
}
