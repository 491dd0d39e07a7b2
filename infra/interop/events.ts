import type { EventOf } from '#schemas/events/contract.ts';
import type { Engagement } from '#schemas/events/engagement.ts';
import type { feedServed } from '#schemas/events/feed-served.ts';

type Served = EventOf<typeof feedServed>;

/** A number in [0, 1) that follows from another. */
const spread = (i: number, step: number): number => ((i * step) % 1_009) / 1_009;

/** What viewers were shown within an hour. */
export const impressions = (startMs: number): Served[] =>
  Array.from({ length: 1_500 }, (_, i) => ({
    eventId: `served-${i}`,
    requestId: `r${Math.floor(i / 5)}`,
    userId: `viewer-${Math.floor(i / 5) % 60}`,
    sessionId: 's',
    videoId: `video-${(i * 17) % 90}`,
    position: i % 5,
    occurredAt: startMs + i * 1_500,
    score: 0,
    reason: 'fresh',
    sources: ['fresh'],
    features: JSON.stringify({ topicAffinity: 10 * spread(i, 613), ageHours: 48 * spread(i, 71), 'video.watches_d1': 30 * spread(i, 229) }),
    scorer: 'heuristic@1',
    featureVersion: '',
    indexVersion: '',
    arm: '',
    propensity: 1,
    drawPlace: 0,
    degraded: 0,
  }));

/** They finish what is near to them. */
export const answers = (served: readonly Served[]): Engagement[] =>
  served.map((s, i) => {
    const liked = spread(i, 613) + 0.5 * (spread(i, 307) - 0.5) > 0.5;
    return {
      eventId: `answer-${i}`,
      userId: s.userId,
      videoId: s.videoId,
      kind: 'watch',
      occurredAt: s.occurredAt + 1_000,
      watchedMs: liked ? 20_000 : 3_000,
      durationMs: 20_000,
      loops: 0,
      playbackRate: 1,
      creatorId: `creator-${i % 12}`,
      topic: `topic-${i % 7}`,
      region: 'DE',
      requestId: s.requestId,
      position: s.position,
      arm: '',
      reason: '',
    };
  });
