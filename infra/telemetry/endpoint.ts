import Fastify from 'fastify';
import type { Telemetry } from './telemetry.ts';

/** Health and metrics of a process that serves nothing else; bound to loopback only, for the machine's own scraper. */
export async function startEndpoint(telemetry: Telemetry, host: string, port: number): Promise<{ stop(): Promise<void> }> {
  const app = Fastify({ logger: false });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/metrics', async (_request, reply) => reply.type('text/plain; version=0.0.4').send(await telemetry.exposition()));
  await app.listen({ host, port });
  return { stop: () => app.close() };
}
