import { feedServed } from '#schemas/events/feed-served.ts';
import { baseValues, featureVersion } from '#schemas/features/ranking.ts';
import type { Effect } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** What was scored is what is logged: training reads these rows. */
export const logServed = ({ gathering }: FeedServices): Effect<FeedQuery, FeedCandidate> => ({
  name: 'log-served',
  run: (query, served) =>
    gathering.send(
      feedServed,
      served.map((c, i) => ({
        eventId: `${query.requestId}-${i}`,
        requestId: query.requestId,
        userId: query.userId,
        sessionId: query.sessionId,
        videoId: c.id,
        position: query.position + i,
        occurredAt: query.nowMs,
        score: c.score,
        reason: c.reason,
        sources: c.sources,
        features: baseValues(c.features),
        scorer: c.scorer,
        featureVersion,
        indexVersion: query.retrieval?.version ?? '',
        arm: query.arm,
        propensity: c.propensity,
        drawPlace: c.drawPlace,
        degraded: 0,
      })),
    ),
});
