import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Clock } from '#infra/clock/clock.ts';
import type { OnlineStore } from '#infra/online/online.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import { mediaLimits, uploadLimits } from '#schemas/config/media.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import type { VideoState } from '#schemas/features/views/uploads.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { shownOf } from '../feed/response.ts';
import type { UploadService } from '../uploads/upload-service.ts';
import { shown, stateChanges, stateOf } from '../uploads/video-states.ts';
import { callerOf } from './auth.ts';
import { HttpProblem, problems } from './problem.ts';

export interface VideoRouteServices {
  readonly uploadService: UploadService;
  readonly online: OnlineStore;
  readonly catalogue: Catalogue;
  readonly producer: EventProducer;
  readonly clock: Clock;
}

const bearer = [{ bearer: [] }];
const Id = Type.String({ minLength: 1, maxLength: 128 });
const Params = Type.Object({ id: Id });

const UploadBody = Type.Object(
  {
    sizeBytes: Type.Integer({ minimum: 1, maximum: mediaLimits.bytesMax }),
    type: Type.Enum([...uploadLimits.types], { description: 'What the app thinks it sends; what it is, is found out by reading it.' }),
    sha256: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{64}$',
        description: 'Of the whole file, hex. When known: it is checked, and a file that you published already is recognised.',
      }),
    ),
    caption: Type.Optional(Type.String({ maxLength: 1_000 })),
    topics: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 20, description: 'Hashtags without the sign, the most telling first.' }),
    ),
    region: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
    soundId: Type.Optional(Id),
    derivation: Type.Optional(Type.Enum(['none', 'duet', 'stitch'])),
    derivedFrom: Type.Optional(Id),
    minAge: Type.Optional(Type.Integer({ minimum: 0, maximum: 21 })),
  },
  { additionalProperties: false },
);

const Upload = Type.Object({
  uploadId: Type.String(),
  videoId: Type.String(),
  partBytes: Type.Integer({ description: 'Size of every part but the last.' }),
  stored: Type.Array(Type.Integer(), { description: 'Parts that the store has, whole.' }),
  missing: Type.Array(
    Type.Object({ part: Type.Integer(), bytes: Type.Integer(), url: Type.String({ description: 'PUT exactly so many bytes here, within the hour.' }) }),
  ),
});

const State = Type.Object({
  state: Type.Enum(['uploaded', 'processing', 'playable', 'waiting', 'held', 'published', 'rejected', 'removed']),
  task: Type.String(),
  percent: Type.Integer(),
  detail: Type.String({ description: 'For a person: what is waited for, or why it was rejected.' }),
  reason: Type.String(),
  hlsUrl: Type.String({ description: 'Where it plays, as far as it does.' }),
});

const Video = Type.Object({
  ...State.properties,
  videoId: Type.String(),
  creatorId: Type.String(),
  caption: Type.String(),
  topics: Type.Array(Type.String()),
  durationMs: Type.Integer(),
  posterUrl: Type.String(),
  previewUrl: Type.String(),
  chaptersUrl: Type.String(),
  placeholder: Type.String(),
  firstSegmentUrl: Type.String(),
});

/** Uploads, and what became of them. */
export const videoRoutes =
  (services: VideoRouteServices): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { uploadService, online, catalogue, producer, clock } = services;
    const closing = new AbortController();
    app.addHook('preClose', async () => closing.abort());

    app.post(
      '/api/v1/video/upload',
      {
        config: { access: 'user' },
        schema: { summary: 'Announce a file; get URLs to send its parts to.', security: bearer, body: UploadBody, response: { 201: Upload, ...problems } },
      },
      async (request, reply) => {
        const { derivation = 'none', derivedFrom = '', ...body } = request.body;
        if ((derivation === 'none') !== (derivedFrom === '')) throw new HttpProblem(400, 'derivation and derivedFrom belong together');
        const said = {
          sha256: '',
          caption: '',
          topics: [],
          region: '',
          soundId: '',
          minAge: 0,
          ...body,
          derivation: derivation as 'none' | 'duet' | 'stitch',
          derivedFrom,
        };
        const view = await uploadService.begin(callerOf(request).userId, said);
        return reply.code(201).send({ ...view, stored: [...view.stored], missing: [...view.missing] });
      },
    );

    app.get(
      '/api/v1/upload/:id',
      {
        config: { access: 'user' },
        schema: {
          summary: 'What of an upload has arrived, and new URLs for the rest.',
          security: bearer,
          params: Params,
          response: { 200: Upload, ...problems },
        },
      },
      async (request) => {
        const view = await uploadService.resume(callerOf(request).userId, request.params.id);
        return { ...view, stored: [...view.stored], missing: [...view.missing] };
      },
    );

    app.delete(
      '/api/v1/upload/:id',
      { config: { access: 'user' }, schema: { summary: 'Give an upload up.', security: bearer, params: Params, response: { 204: Type.Null(), ...problems } } },
      async (request, reply) => {
        await uploadService.abort(callerOf(request).userId, request.params.id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/api/v1/upload/complete',
      {
        config: { access: 'user' },
        schema: {
          summary: 'All parts are sent. 202 means that the store has them all and the log knows of it.',
          security: bearer,
          body: Type.Object({ uploadId: Id }, { additionalProperties: false }),
          response: { 202: Type.Object({ videoId: Type.String(), state: Type.Literal('uploaded') }), ...problems },
        },
      },
      async (request, reply) => {
        const { videoId } = await uploadService.complete(callerOf(request).userId, request.body.uploadId);
        return reply.code(202).send({ videoId, state: 'uploaded' as const });
      },
    );

    /** What is not public is there for its creator alone. */
    const known = async (request: Parameters<typeof callerOf>[0], id: string): Promise<VideoState> => {
      const { userId } = callerOf(request);
      const state = await stateOf(online, id);
      if (!state || (state.state !== 'published' && state.creatorId !== userId)) throw new HttpProblem(404, 'there is no such video');
      return state;
    };

    app.get(
      '/api/v1/video/:id',
      {
        config: { access: 'user' },
        schema: { summary: 'A video and how far it has come.', security: bearer, params: Params, response: { 200: Video, ...problems } },
      },
      async (request) => {
        const { id } = request.params;
        const state = await known(request, id);
        const [found] = state.state === 'published' ? await catalogue.videos([id]) : [];
        return { ...shownOf(found?.card ?? null), ...shown(state), videoId: id, creatorId: state.creatorId };
      },
    );

    app.get(
      '/api/v1/video/:id/events',
      {
        config: { access: 'user' },
        schema: {
          summary: 'Changes of a video of yours as server-sent events, until its last state.',
          security: bearer,
          params: Params,
          produces: ['text/event-stream'],
        },
      },
      async (request, reply) => {
        await known(request, request.params.id);
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const changes = stateChanges(online, request.params.id, AbortSignal.any([closing.signal, gone.signal]));
        return reply.header('cache-control', 'no-store').type('text/event-stream').send(Readable.from(changes));
      },
    );

    app.delete(
      '/api/v1/video/:id',
      {
        config: { access: 'user' },
        schema: {
          summary: 'Withdraw a video of yours. It leaves every feed at once.',
          security: bearer,
          params: Params,
          response: { 202: Type.Object({ videoId: Type.String() }), ...problems },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const state = await known(request, id);
        if (state.creatorId !== callerOf(request).userId) throw new HttpProblem(403, 'this video is not yours');
        await producer.send(videoRemoved, [{ eventId: `${id}/removed-by-creator`, videoId: id, occurredAt: clock.now(), reason: 'creator' }]);
        return reply.code(202).send({ videoId: id });
      },
    );
  };
