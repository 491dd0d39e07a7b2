import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Clock } from '#infra/clock/clock.ts';
import type { OnlineStore } from '#infra/online/online.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { moderationRules } from '#schemas/config/moderation.ts';
import { moderationDecided } from '#schemas/events/moderation-decided.ts';
import { videoAppealed } from '#schemas/events/video-appealed.ts';
import { readReviewQueue } from '../uploads/review-queue.ts';
import { stateOf, statesOf } from '../uploads/video-states.ts';
import { callerOf } from './auth.ts';
import { HttpProblem, problems } from './problem.ts';

export interface ModerationRouteServices {
  readonly warehouse: Warehouse;
  readonly online: OnlineStore;
  readonly producer: EventProducer;
  readonly clock: Clock;
}

const bearer = [{ bearer: [] }];
const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) });
const Words = Type.String({ minLength: 1, maxLength: 1_000 });

const QueueItem = Type.Object({
  videoId: Type.String(),
  why: Type.Enum(['held', 'reported', 'appealed']),
  since: Type.Integer({ description: 'Milliseconds since 1970.' }),
  detail: Type.String(),
  scores: Type.String({ description: 'Of the model, as JSON.' }),
  reporters: Type.Integer(),
  state: Type.String({ description: 'How it stands now.' }),
  creatorId: Type.String(),
  hlsUrl: Type.String({ description: 'Where it plays, while it does.' }),
});

/** When each verdict makes sense: who decides anything else has an old page before him. */
const fits: Readonly<Record<string, readonly string[]>> = {
  approve: ['held'],
  reject: ['held'],
  remove: ['published'],
  restore: ['removed'],
  // Reports or an appeal that change nothing.
  keep: ['published', 'removed', 'rejected'],
};

/** What reviewers see and decide, and what creators say against it. */
export const moderationRoutes =
  (services: ModerationRouteServices): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { warehouse, online, producer, clock } = services;

    app.get(
      '/api/v1/moderation/queue',
      {
        config: { access: 'moderator' },
        schema: {
          summary: 'Videos that wait for a reviewer, the longest first.',
          security: bearer,
          response: { 200: Type.Object({ items: Type.Array(QueueItem) }), ...problems },
        },
      },
      async () => {
        const waiting = await readReviewQueue(warehouse);
        const states = await statesOf(
          online,
          waiting.map((item) => item.videoId),
        );
        return {
          items: waiting.map((item, i) => {
            const { state = 'unknown', creatorId = '', hlsUrl = '' } = states[i] ?? {};
            return { ...item, state, creatorId, hlsUrl };
          }),
        };
      },
    );

    app.post(
      '/api/v1/moderation/:id',
      {
        config: { access: 'moderator' },
        schema: {
          summary: 'Decide about a video. 202 means that the log has the decision.',
          security: bearer,
          params: Params,
          body: Type.Object({ verdict: Type.Enum(['approve', 'reject', 'remove', 'restore', 'keep']), reason: Words }, { additionalProperties: false }),
          response: { 202: Type.Object({ videoId: Type.String(), verdict: Type.String() }), ...problems },
        },
      },
      async (request, reply) => {
        const { id: videoId } = request.params;
        const { verdict, reason } = request.body;
        const state = await stateOf(online, videoId);
        if (!state) throw new HttpProblem(404, 'there is no such video');
        if (verdict === 'restore' && state.reason !== 'moderation') throw new HttpProblem(409, 'its creator withdrew it');
        if (!fits[verdict]?.includes(state.state))
          throw new HttpProblem(409, `the video is ${state.state} now; "${verdict}" is for one that is ${fits[verdict]?.join(' or ')}`);
        const decision = { eventId: crypto.randomUUID(), videoId, creatorId: state.creatorId, occurredAt: clock.now(), verdict, by: 'reviewer' as const };
        await producer.send(moderationDecided, [
          { ...decision, reviewer: callerOf(request).userId, reason, model: '', rules: moderationRules.version, scores: '' },
        ]);
        return reply.code(202).send({ videoId, verdict });
      },
    );

    app.post(
      '/api/v1/video/:id/appeal',
      {
        config: { access: 'user' },
        schema: {
          summary: 'Disagree with what was decided about a video of yours; a reviewer looks again.',
          security: bearer,
          params: Params,
          body: Type.Object({ words: Words }, { additionalProperties: false }),
          response: { 202: Type.Object({ videoId: Type.String() }), ...problems },
        },
      },
      async (request, reply) => {
        const { id: videoId } = request.params;
        const { userId: creatorId } = callerOf(request);
        const mine = await warehouse.query<{ n: number }>(
          'SELECT count() AS n FROM videos_uploaded WHERE video_id = {videoId:String} AND creator_id = {creatorId:String}',
          { videoId, creatorId },
        );
        if ((mine[0]?.n ?? 0) === 0) throw new HttpProblem(404, 'there is no such video of yours');
        await producer.send(videoAppealed, [{ eventId: crypto.randomUUID(), videoId, creatorId, occurredAt: clock.now(), words: request.body.words }]);
        return reply.code(202).send({ videoId });
      },
    );
  };
