import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import type { Config } from '#infra/config.ts';
import type { Access, Authenticate, Caller } from './auth.ts';
import { type ModerationRouteServices, moderationRoutes } from './moderation-routes.ts';
import { pageRoutes } from './page-routes.ts';
import { HttpProblem, sendProblem } from './problem.ts';
import { type RouteServices, routes } from './routes.ts';
import { type VideoRouteServices, videoRoutes } from './video-routes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

export interface ServerOptions {
  readonly services: RouteServices & VideoRouteServices & ModerationRouteServices;
  readonly authenticate: Authenticate;
  readonly limits: Config['limits'];
  /** An ioredis client that rate limits are counted in; without one they are counted in memory. */
  readonly limitStore?: unknown;
  readonly logLevel: string;
}

/** The HTTP front: authentication, limits, validation, problems and documentation around the routes. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: { level: options.logLevel, redact: ['req.headers.authorization'] },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 16 * 1024,
    requestTimeout: 10_000,
    trustProxy: false,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array' } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => sendProblem(new HttpProblem(404, 'there is nothing here; see /docs'), request, reply));
  await app.register(helmet, { contentSecurityPolicy: false });
  const { limits, limitStore } = options;
  // Without its store a limit gives way: it protects the service, it must not end it.
  await app.register(rateLimit, { global: false, nameSpace: 'limit:', timeWindow: 60_000, skipOnError: true, ...(limitStore ? { redis: limitStore } : {}) });
  // The address first, so that a flood of bad tokens is held back too; the user once it is known.
  enforce(app, app.createRateLimit({ max: limits.perAddressPerMinute, keyGenerator: (request) => `address:${request.ip}` }) as Check);
  guard(app, options.authenticate);
  enforce(app, app.createRateLimit({ max: limits.perUserPerMinute, keyGenerator: (request) => `user:${request.caller?.userId}` }) as Check);
  await document(app);
  await app.register(routes(options.services));
  await app.register(videoRoutes(options.services));
  await app.register(moderationRoutes(options.services));
  await app.register(pageRoutes);
  return app;
}

/** Every route states its access; the callers of all but public ones are authenticated before anything else is read. */
function guard(app: FastifyInstance, authenticate: Authenticate): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/docs')) route.config = { ...route.config, access: 'public' };
    // CORS and HEAD twins inherit the route they belong to.
    if (!route.config?.access) throw new TypeError(`route ${route.url} does not say who may call it`);
  });
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config?.access;
    if (access === undefined || access === 'public') return;
    request.caller = await authenticate(request.headers.authorization);
    if (access !== 'user' && !request.caller.scopes.has(access)) throw new HttpProblem(403, `this needs the scope "${access}"`);
  });
}

type Check = (request: FastifyRequest) => Promise<{ isAllowed: true } | { isAllowed: false; isExceeded: boolean; max: number; ttlInSeconds: number }>;

/** Refuses what a limit says is too much; public routes are not counted. */
function enforce(app: FastifyInstance, check: Check): void {
  app.addHook('onRequest', async (request, reply) => {
    if ((request.routeOptions.config?.access ?? 'public') === 'public') return;
    const answer = await check(request);
    if (answer.isAllowed || !answer.isExceeded) return;
    reply.header('retry-after', answer.ttlInSeconds);
    throw new HttpProblem(429, `more than ${answer.max} requests in a minute; try again in ${answer.ttlInSeconds} s`);
  });
}

async function document(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'foryou', version: '1', description: 'The For You feed and the events it learns from.' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
}
