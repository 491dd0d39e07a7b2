import { createRemoteJWKSet, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Config } from '#infra/config.ts';
import { ForyouError } from '#infra/errors.ts';
import { HttpProblem } from './problem.ts';

/** Who may call a route. Every route says it: one that does not is refused at start. */
export type Access = 'public' | 'user' | 'operator' | 'moderator';

export interface Caller {
  readonly userId: string;
  readonly scopes: ReadonlySet<string>;
  /** Years, from the claim `birthdate` (OpenID Connect Core, 5.1); null without one. */
  readonly age: number | null;
}

/** The caller of a route that is not public. */
export function callerOf(request: { readonly caller: Caller | null }): Caller {
  if (!request.caller) throw new HttpProblem(401, 'send a bearer token');
  return request.caller;
}

export interface Authenticate {
  /** Who sent this header, when it was verified a moment ago. */
  known(authorization: string | undefined): Caller | null;
  verified(authorization: string | undefined): Promise<Caller>;
}

const audience = 'foryou-api';

/** Verifies bearer tokens (RFC 6750) with the configured secret (HS256) or JWKS (RS256, ES256, EdDSA). */
export function authenticator(jwt: Config['jwt']): Authenticate {
  const options = { issuer: jwt.issuer, audience, requiredClaims: ['sub', 'exp'] };
  const remote = jwt.jwksUrl ? createRemoteJWKSet(new URL(jwt.jwksUrl)) : undefined;
  const secret = jwt.secret ? new TextEncoder().encode(jwt.secret) : undefined;
  if (!remote && !secret)
    throw new ForyouError('config-invalid', 'no key to verify tokens with', { fix: 'set FORYOU_JWT_SECRET (at least 32 characters) or FORYOU_JWKS_URL' });
  if (secret && secret.length < 32) throw new ForyouError('config-invalid', 'FORYOU_JWT_SECRET is too short', { fix: 'use at least 32 characters' });
  const verify = async (token: string): Promise<JWTPayload> =>
    remote
      ? (await jwtVerify(token, remote, { ...options, algorithms: ['RS256', 'ES256', 'EdDSA'] })).payload
      : (await jwtVerify(token, secret as Uint8Array, { ...options, algorithms: ['HS256'] })).payload;
  const accepted = new Accepted();
  const tokenOf = (authorization: string | undefined) => /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
  return {
    known(authorization) {
      const token = tokenOf(authorization);
      return token === null ? null : accepted.get(token);
    },
    async verified(authorization) {
      const token = tokenOf(authorization);
      if (token === null) throw new HttpProblem(401, 'send a bearer token in the Authorization header; foryou token makes one');
      const payload = await verify(token).catch((error: Error) => {
        throw new HttpProblem(401, `the token is not accepted: ${error.message}`);
      });
      if (!payload.sub || payload.sub.length > 128) throw new HttpProblem(401, 'the token names no user');
      const caller = { userId: payload.sub, scopes: new Set(String(payload['scope'] ?? '').split(' ')), age: ageOf(payload['birthdate']) };
      accepted.set(token, caller, payload.exp as number);
      return caller;
    },
  };
}

/** A swipe follows a swipe with one token: it is verified once in so long, and never after it has expired. */
const acceptedForMs = 30_000;
const acceptedMost = 50_000;

class Accepted {
  readonly #callers = new Map<string, { readonly caller: Caller; readonly untilMs: number }>();

  get(token: string): Caller | null {
    const found = this.#callers.get(token);
    return found && Date.now() < found.untilMs ? found.caller : null;
  }
  set(token: string, caller: Caller, expSeconds: number): void {
    if (this.#callers.size >= acceptedMost) this.#callers.clear();
    this.#callers.set(token, { caller, untilMs: Math.min(Date.now() + acceptedForMs, 1_000 * expSeconds) });
  }
}

function ageOf(birthdate: unknown): number | null {
  const born = typeof birthdate === 'string' ? Date.parse(birthdate) : Number.NaN;
  if (Number.isNaN(born)) return null;
  const [then, now] = [new Date(born), new Date()];
  const hadBirthday = now.getUTCMonth() * 31 + now.getUTCDate() >= then.getUTCMonth() * 31 + then.getUTCDate();
  return now.getUTCFullYear() - then.getUTCFullYear() - (hadBirthday ? 0 : 1);
}

/** A token for local use; production tokens come from the identity provider behind the JWKS. */
export function signToken(jwt: Config['jwt'], userId: string, scopes: readonly string[], secondsToLive: number): Promise<string> {
  if (!jwt.secret)
    throw new ForyouError('config-invalid', 'tokens can be made only with a shared secret', { fix: 'set FORYOU_JWT_SECRET, or ask your identity provider' });
  return new SignJWT({ scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuer(jwt.issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + secondsToLive)
    .sign(new TextEncoder().encode(jwt.secret));
}
