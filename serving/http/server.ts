import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Config } from '#infra/config.ts';
import type { Access, Authenticate, Caller } from './auth.ts';
import { HttpProblem, sendProblem } from './problem.ts';
import { type RouteServices, routes } from './routes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

export interface ServerOptions {
  readonly services: RouteServices;
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
    disableRequestLogging: true,
    bodyLimit: 16 * 1024,
    requestTimeout: 10_000,
    trustProxy: false,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array' } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => sendProblem(new HttpProblem(404, 'there is nothing here; see /docs'), request, reply));
  guard(app, options.authenticate);
  await app.register(helmet, { contentSecurityPolicy: false });
  await limit(app, options);
  await document(app);
  await app.register(routes(options.services));
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
    if (access === 'operator' && !request.caller.scopes.has('operator')) throw new HttpProblem(403, 'this needs the scope "operator"');
  });
}

/** Two limits: per address against floods, per user against one viewer's client gone wild. */
async function limit(app: FastifyInstance, { limits, limitStore }: ServerOptions): Promise<void> {
  const shared = {
    timeWindow: 60_000,
    ...(limitStore ? { redis: limitStore } : {}),
    // Without its store the limit gives way: it protects the service, it must not end it.
    skipOnError: true,
    errorResponseBuilder: (_request: FastifyRequest, context: { after: string }) => new HttpProblem(429, `too many requests; try again in ${context.after}`),
  };
  await app.register(rateLimit, { ...shared, global: false, nameSpace: 'limit:' });
  const perAddress = app.rateLimit({ ...shared, max: limits.perAddressPerMinute, keyGenerator: (request) => `address:${request.ip}` });
  const perUser = app.rateLimit({ ...shared, max: limits.perUserPerMinute, keyGenerator: (request) => `user:${request.caller?.userId}` });
  app.addHook('preHandler', async (request, reply) => {
    if (request.routeOptions.config?.access === 'user') await perUser.call(app, request, reply);
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config?.access === 'user') await perAddress.call(app, request, reply);
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
