import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

const pages = [
  { path: '/explain', file: 'explain.html', summary: 'A page that shows why a viewer sees what he sees; what it shows needs a token.' },
  { path: '/studio', file: 'studio.html', summary: 'A page to send videos with, to watch their processing and to play them; it needs a token.' },
] as const;

/** Pages for people. They hold nothing themselves: what they show they ask the API for, with the token that they are given. */
export const pageRoutes: FastifyPluginAsyncTypebox = async (app) => {
  for (const { path, file, summary } of pages) {
    const page = readFileSync(join(import.meta.dirname, 'pages', file));
    app.get(path, { config: { access: 'public' }, schema: { summary, produces: ['text/html'] } }, async (_request, reply) =>
      reply.type('text/html; charset=utf-8').send(page),
    );
  }
  const player = readFileSync(createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js'));
  app.get(
    '/studio/hls.js',
    { config: { access: 'public' }, schema: { summary: 'The player of the studio.', produces: ['text/javascript'] } },
    async (_request, reply) => reply.header('cache-control', 'public, max-age=86400').type('text/javascript; charset=utf-8').send(player),
  );
};
