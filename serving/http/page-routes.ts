import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

const pages = [
  { path: '/explain', file: 'explain.html', summary: 'A page that shows why a viewer sees what he sees; what it shows needs a token.' },
  { path: '/studio', file: 'studio.html', summary: 'A page to send videos with, to watch their processing and to play them; it needs a token.' },
  {
    path: '/review',
    file: 'review.html',
    summary: 'A page for reviewers: what waits, why, and what can be decided; it needs a token with the scope “moderator”.',
  },
] as const;

const scripts = createRequire(import.meta.url);
/** What the pages are made of. */
const parts = [
  { path: '/pages/page.css', file: join(import.meta.dirname, 'pages/page.css'), type: 'text/css' },
  { path: '/pages/page.js', file: join(import.meta.dirname, 'pages/page.js'), type: 'text/javascript' },
  { path: '/pages/hls.js', file: scripts.resolve('hls.js/dist/hls.min.js'), type: 'text/javascript' },
] as const;

/** Pages for people. They hold nothing themselves: what they show they ask the API for, with the token that they are given. */
export const pageRoutes: FastifyPluginAsyncTypebox = async (app) => {
  for (const { path, file, summary } of pages) {
    const page = readFileSync(join(import.meta.dirname, 'pages', file));
    app.get(path, { config: { access: 'public' }, schema: { summary, produces: ['text/html'] } }, async (_request, reply) =>
      reply.type('text/html; charset=utf-8').send(page),
    );
  }
  for (const { path, file, type } of parts) {
    const body = readFileSync(file);
    app.get(path, { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) => reply.type(`${type}; charset=utf-8`).send(body));
  }
};
