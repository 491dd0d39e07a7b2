import type { Redis } from 'ioredis';
import { ForyouError } from '../errors.ts';
import { type SessionState, type SessionStore, sessionTtlSeconds } from './sessions.ts';

const appendScript = `
local made = redis.call('HGET', KEYS[1], 'page:' .. ARGV[1])
if made then return made end
redis.call('HSET', KEYS[1], 'page:' .. ARGV[1], ARGV[2], 'next', tonumber(ARGV[1]) + #ARGV - 3)
redis.call('SADD', KEYS[2], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return false`;

interface SessionClient extends Redis {
  foryouAppendPage(pages: string, served: string, position: string, page: string, ttl: string, ...ids: string[]): Promise<string | null>;
}

/** Sessions in Redis: per session a hash of pages and a set of served ids, in one slot. */
export class RedisSessions implements SessionStore {
  readonly #client: SessionClient;

  constructor(client: Redis) {
    client.defineCommand('foryouAppendPage', { numberOfKeys: 2, lua: appendScript });
    this.#client = client as SessionClient;
  }

  async load(key: string): Promise<SessionState> {
    return tried(async () => {
      const [next, served] = await Promise.all([this.#client.hget(pagesKey(key), 'next'), this.#client.smembers(servedKey(key))]);
      return { next: Number(next ?? 0), served: new Set(served) };
    });
  }

  page(key: string, position: number): Promise<string | null> {
    return tried(() => this.#client.hget(pagesKey(key), `page:${position}`));
  }

  append(key: string, position: number, page: string, ids: readonly string[]): Promise<string | null> {
    return tried(() => this.#client.foryouAppendPage(pagesKey(key), servedKey(key), String(position), page, String(sessionTtlSeconds), ...ids));
  }
}

const pagesKey = (key: string): string => `session:{${key}}:pages`;
const servedKey = (key: string): string => `session:{${key}}:served`;

async function tried<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new ForyouError('unavailable', 'Redis does not answer', { cause, fix: 'check it: foryou status' });
  }
}
