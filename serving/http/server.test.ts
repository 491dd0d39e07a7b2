import { expect, test } from 'vitest';
import { authenticator, signToken } from './auth.ts';
import { buildServer, type ServerOptions } from './server.ts';

const jwt = { secret: 's'.repeat(32), jwksUrl: undefined, issuer: 'foryou' };

/** A server whose limits are counted in memory, and what it answers to so many requests for a preview, which needs a scope that nobody here has. */
async function server(limits: ServerOptions['limits']) {
  const app = await buildServer({ services: {} as ServerOptions['services'], authenticate: authenticator(jwt), limits, logLevel: 'silent' });
  const ask = async (token: string, times: number) => {
    const statuses: number[] = [];
    for (let i = 0; i < times; i++) {
      const headers = { authorization: `Bearer ${token}` };
      const { statusCode } = await app.inject({ method: 'GET', url: '/api/v1/feed/foryou?count=5&session_id=s&preview=1', headers });
      statuses.push(statusCode);
    }
    return statuses;
  };
  return { ask, close: () => app.close() };
}

test('a flood of bad tokens is held back by the address it comes from', async () => {
  const { ask, close } = await server({ perAddressPerMinute: 3, perUserPerMinute: 100 });
  expect(await ask('no-token', 5)).toEqual([401, 401, 401, 429, 429]);
  expect(await ask(await signToken(jwt, 'ann', [], 60), 1)).toEqual([429]);
  await close();
});

test('who is known is counted by user and by address from the first request on, each limit for itself', async () => {
  const { ask, close } = await server({ perAddressPerMinute: 6, perUserPerMinute: 3 });
  expect(await ask(await signToken(jwt, 'ann', [], 60), 4)).toEqual([403, 403, 403, 429]);
  expect(await ask(await signToken(jwt, 'bob', [], 60), 3)).toEqual([403, 403, 429]);
  await close();
});
