import type { Static } from 'typebox';
import { Type } from 'typebox';
import type { Clock } from '#infra/clock/clock.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import { assign } from '#schemas/config/experiments.ts';
import { engagement } from '#schemas/events/engagement.ts';
import { follow } from '#schemas/events/follow.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';

const dayMs = 86_400_000;
const Id = Type.String({ minLength: 1, maxLength: 128 });

export const EngageBody = Type.Object(
  {
    eventId: Type.String({ minLength: 8, maxLength: 128, description: 'Unique per fact; keep it over retries, and it counts once.' }),
    kind: Type.Enum([...engagement.fields.kind.symbols]),
    occurredAt: Type.Optional(
      Type.Integer({ minimum: Date.UTC(2010, 0, 1), description: 'Milliseconds since 1970 by the device clock; the time of arrival when left out.' }),
    ),
    watchedMs: Type.Optional(Type.Integer({ minimum: 0, maximum: dayMs })),
    durationMs: Type.Optional(Type.Integer({ minimum: 0, maximum: dayMs })),
    loops: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    playbackRate: Type.Optional(Type.Number({ minimum: 0, maximum: 16 })),
    region: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
    requestId: Type.Optional(Id),
    reason: Type.Optional(Type.String({ maxLength: 64, description: 'The reason that the feed gave for the item.' })),
    position: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  },
  { additionalProperties: false },
);
export type EngageBody = Static<typeof EngageBody>;

export const EngageAccepted = Type.Object({ eventId: Type.String(), status: Type.Literal('accepted') });

export interface EngageServices {
  readonly catalogue: Catalogue;
  readonly producer: EventProducer;
  readonly clock: Clock;
}

/** Resolves once the log has acknowledged the event (and the follow, where it is one). */
export async function engage(services: EngageServices, userId: string, videoId: string, body: EngageBody): Promise<void> {
  const occurredAt = body.occurredAt ?? services.clock.now();
  // The player's knowledge of the video goes with the event, so that no topology must look it up.
  // Without the store the event goes without it: an outage there costs no event.
  const card = (await services.catalogue.videos([videoId]).catch(() => []))[0]?.card;
  const creatorId = card?.creatorId ?? '';
  await services.producer.send(engagement, [
    {
      eventId: body.eventId,
      userId,
      videoId,
      kind: body.kind,
      occurredAt,
      watchedMs: body.watchedMs ?? 0,
      durationMs: body.durationMs ?? card?.durationMs ?? 0,
      loops: body.loops ?? 0,
      playbackRate: body.playbackRate ?? 1,
      creatorId,
      topic: card?.topics[0] ?? '',
      region: body.region ?? '',
      requestId: body.requestId ?? '',
      position: body.position ?? -1,
      arm: assign(userId).arm,
      reason: body.reason ?? '',
    },
  ]);
  if ((body.kind === 'follow' || body.kind === 'unfollow') && creatorId !== '')
    await services.producer.send(follow, [{ eventId: body.eventId, userId, creatorId, kind: body.kind, occurredAt }]);
}
