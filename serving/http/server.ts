import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
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
    /** The handler waits for `admitted` itself, beside what it reads first, before it does any work. */
    limits?: 'beside';
  }
  interface FastifyRequest {
    caller: Caller | null;
    /** Fails when limits refuse the caller; null where nobody is counted. */
    admitted: Promise<void> | null;
  }
}

export interface ServerOptions {
  readonly services: RouteServices & VideoRouteServices & ModerationRouteServices;
  readonly authenticate: Authenticate;
  readonly limits: Config['limits'];
  /** An ioredis client that rate limits are counted in, best the one that what else a request reads first goes through; without one they are counted in memory. */
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

  // Whoever is refused hears that, and nothing else that was wrong.
  app.setErrorHandler(async (error, request, reply) => sendProblem(await refusalOr(error as Error, request), request, reply));
  app.setNotFoundHandler((request, reply) => sendProblem(new HttpProblem(404, 'there is nothing here; see /docs'), request, reply));
  await app.register(helmet, { contentSecurityPolicy: false });
  const { limits, limitStore } = options;
  // Without its store a limit gives way: it protects the service, it must not end it.
  await app.register(rateLimit, { global: false, nameSpace: 'limit:', timeWindow: 60_000, skipOnError: true, ...(limitStore ? { redis: limitStore } : {}) });
  guard(app, options.authenticate, {
    address: app.createRateLimit({ max: limits.perAddressPerMinute, keyGenerator: (request) => `address:${request.ip}` }) as Check,
    user: app.createRateLimit({ max: limits.perUserPerMinute, keyGenerator: (request) => `user:${request.caller?.userId}` }) as Check,
  });
  await document(app);
  await app.register(routes(options.services));
  await app.register(videoRoutes(options.services));
  await app.register(moderationRoutes(options.services));
  await app.register(pageRoutes);
  return app;
}

type Check = (request: FastifyRequest) => Promise<{ isAllowed: true } | { isAllowed: false; isExceeded: boolean; max: number; ttlInSeconds: number }>;

/** Every route states its access; callers of all but public ones are counted and authenticated before anything else is read. */
function guard(app: FastifyInstance, authenticate: Authenticate, limits: { readonly address: Check; readonly user: Check }): void {
  app.decorateRequest('caller', null);
  app.decorateRequest('admitted', null);
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/docs')) route.config = { ...route.config, access: 'public' };
    // CORS and HEAD twins inherit the route they belong to.
    if (!route.config?.access) throw new TypeError(`route ${route.url} does not say who may call it`);
  });
  app.addHook('onRequest', async (request, reply) => {
    const { access, limits: when } = request.routeOptions.config ?? {};
    if (access === undefined || access === 'public') return;
    const { authorization } = request.headers;
    request.caller = authenticate.known(authorization);
    // Of a stranger the address comes first, so that a flood of bad tokens is held back too. Who is known is counted at once: one wait less.
    if (request.caller) {
      const checks = [limits.address(request), limits.user(request)].map((check) => refuse(check, reply));
      request.admitted = Promise.all(checks).then(() => {});
      request.admitted.catch(() => {}); // met by the handler, or by what goes wrong before it
      if (when !== 'beside') await request.admitted;
    } else {
      await refuse(limits.address(request), reply);
      request.caller = await authenticate.verified(authorization);
      await refuse(limits.user(request), reply);
    }
    if (access !== 'user' && !request.caller.scopes.has(access)) throw new HttpProblem(403, `this needs the scope "${access}"`);
  });
}

const refusalOr = (error: Error, { admitted }: FastifyRequest): Promise<Error> =>
  (admitted ?? Promise.resolve()).then(
    () => error,
    (refusal) => refusal as Error,
  );

/** A limit that cannot be counted in time gives way. */
const limitTimeoutMs = 50;

/** Refuses what a limit says is too much. */
async function refuse(check: ReturnType<Check>, reply: FastifyReply): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const inTime = new Promise<null>((resolve) => {
    late = setTimeout(resolve, limitTimeoutMs, null);
  });
  const answer = await Promise.race([check, inTime]).finally(() => clearTimeout(late));
  if (answer === null || answer.isAllowed || !answer.isExceeded) return;
  reply.header('retry-after', answer.ttlInSeconds);
  throw new HttpProblem(429, `more than ${answer.max} requests in a minute; try again in ${answer.ttlInSeconds} s`);
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
