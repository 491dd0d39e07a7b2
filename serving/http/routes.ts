import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import type { FeedService } from '../feed/feed-service.ts';
import { FeedPage } from '../feed/response.ts';
import { callerOf } from './auth.ts';
import { EngageAccepted, EngageBody, type EngageServices, engage } from './engage.ts';
import { HttpProblem, problems } from './problem.ts';

export interface RouteServices extends EngageServices {
  readonly feed: FeedService;
  readonly telemetry: Telemetry;
  /** Names of the dependencies that do not answer now. */
  readonly missing: () => Promise<readonly string[]>;
  /** Versions of artifacts that serve now; null where none does yet. */
  readonly versions: () => Readonly<Record<string, string | null>>;
}

const bearer = [{ bearer: [] }];

const FeedQuerystring = Type.Object({
  count: Type.Integer({ minimum: 1, maximum: 50, default: 10 }),
  session_id: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: '^[\\w-]+$',
    default: 'default',
    description: 'One sitting of a viewer; nothing repeats within it.',
  }),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
  region: Type.String({ pattern: '^[A-Z]{2}$', default: 'ZZ', description: 'Where the viewer is, ISO 3166-1 alpha-2.' }),
  explain: Type.Integer({ minimum: 0, maximum: 1, default: 0, description: 'Needs the scope "explain".' }),
  preview: Type.Integer({
    minimum: 0,
    maximum: 1,
    default: 0,
    description: 'Only to look: the session stays where it is, and nothing counts as served. Needs the scope "explain".',
  }),
});

export const routes =
  (services: RouteServices): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/healthz',
      { config: { access: 'public' }, schema: { summary: 'The process is alive.', response: { 200: Type.Object({ status: Type.Literal('ok') }) } } },
      async () => ({ status: 'ok' as const }),
    );

    const Ready = Type.Object({
      ready: Type.Boolean(),
      missing: Type.Array(Type.String()),
      artifacts: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()])),
    });
    app.get(
      '/readyz',
      { config: { access: 'public' }, schema: { summary: 'The process can do its work.', response: { 200: Ready, 503: Ready } } },
      async (_request, reply) => {
        const missing = [...(await services.missing())];
        return reply.code(missing.length === 0 ? 200 : 503).send({ ready: missing.length === 0, missing, artifacts: { ...services.versions() } });
      },
    );

    app.get(
      '/metrics',
      { config: { access: 'operator' }, schema: { summary: 'Prometheus metrics.', security: bearer, produces: ['text/plain'] } },
      async (_request, reply) => reply.type('text/plain; version=0.0.4').send(await services.telemetry.exposition()),
    );

    app.get(
      '/api/v1/feed/foryou',
      {
        config: { access: 'user', limits: 'beside' },
        schema: { summary: 'The next videos for the caller.', security: bearer, querystring: FeedQuerystring, response: { 200: FeedPage, ...problems } },
      },
      async (request) => {
        const { userId, scopes, age } = callerOf(request);
        const { count, session_id, cursor, region, explain, preview } = request.query;
        if ((explain === 1 || preview === 1) && !scopes.has('explain')) throw new HttpProblem(403, 'explanations and previews need the scope "explain"');
        const asked = { userId, sessionId: session_id, region, age, count, cursor, explain: explain === 1, preview: preview === 1 };
        return services.feed.page(asked, request.admitted ?? undefined);
      },
    );

    app.post(
      '/api/v1/video/:id/engage',
      {
        config: { access: 'user' },
        schema: {
          summary: 'What the caller did with a video. 202 means that the log has it.',
          security: bearer,
          params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) }),
          body: EngageBody,
          response: { 202: EngageAccepted, ...problems },
        },
      },
      async (request, reply) => {
        await engage(services, callerOf(request).userId, request.params.id, request.body);
        return reply.code(202).send({ eventId: request.body.eventId, status: 'accepted' as const });
      },
    );
  };
