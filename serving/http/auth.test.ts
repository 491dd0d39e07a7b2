import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { type Authenticate, authenticator, signToken } from './auth.ts';

const secret = 's'.repeat(32);

/** As the server does for each request. */
const callerOf = async (authenticate: Authenticate, header: string) => authenticate.known(header) ?? (await authenticate.verified(header));

test('a token of the shared secret names its user and scopes', async () => {
  const jwt = { secret, jwksUrl: undefined, issuer: 'foryou' };
  const caller = await callerOf(authenticator(jwt), `Bearer ${await signToken(jwt, 'ann', ['explain', 'operator'], 60)}`);
  expect(caller).toEqual({ userId: 'ann', scopes: new Set(['explain', 'operator']), age: null });
});

test('a token that was accepted before is not accepted once it has expired, nor with another signature', async () => {
  const jwt = { secret, jwksUrl: undefined, issuer: 'foryou' };
  const authenticate = authenticator(jwt);
  const token = await signToken(jwt, 'ann', [], 10);
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    for (let i = 0; i < 2; i++) expect((await callerOf(authenticate, `Bearer ${token}`)).userId).toBe('ann');
    const forged = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`;
    await expect(callerOf(authenticate, `Bearer ${forged}`)).rejects.toMatchObject({ statusCode: 401 });
    vi.setSystemTime(Date.now() + 11_000);
    await expect(callerOf(authenticate, `Bearer ${token}`)).rejects.toMatchObject({ statusCode: 401 });
  } finally {
    vi.useRealTimers();
  }
});

test('with a JWKS, tokens of its keys are accepted and tokens of the secret are not', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] }))).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  const authenticate = authenticator({ secret: undefined, jwksUrl, issuer: 'foryou' });
  const sign = (audience: string) =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setSubject('bob')
      .setIssuer('foryou')
      .setAudience(audience)
      .setExpirationTime('1m')
      .sign(privateKey);
  try {
    expect((await callerOf(authenticate, `Bearer ${await sign('foryou-api')}`)).userId).toBe('bob');
    await expect(callerOf(authenticate, `Bearer ${await sign('another-api')}`)).rejects.toMatchObject({ statusCode: 401 });
    await expect(callerOf(authenticate, `Bearer ${await signToken({ secret, jwksUrl: undefined, issuer: 'foryou' }, 'eve', [], 60)}`)).rejects.toMatchObject({
      statusCode: 401,
    });
  } finally {
    server.close();
  }
});

test.each([
  ['no key at all', { secret: undefined, jwksUrl: undefined, issuer: 'i' }],
  ['a short secret', { secret: 'short', jwksUrl: undefined, issuer: 'i' }],
])('%s is refused at start', (_what, jwt) => {
  expect(() => authenticator(jwt)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
});
