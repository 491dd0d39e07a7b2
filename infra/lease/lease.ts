import type { Redis } from 'ioredis';
import { ForyouError } from '../errors.ts';

/** The right to be the only one that does something, for a while. */
export interface Held {
  /** Grows with each holder of a name: what a later holder wrote, an earlier one must not replace. */
  readonly fence: number;
  /** False once the time ran out without renewal; somebody else may hold it then. */
  renew(forMs: number): Promise<boolean>;
  release(): Promise<void>;
}

/** One holder at a time. */
export interface Lease {
  /** Null when somebody else holds it. */
  acquire(name: string, forMs: number): Promise<Held | null>;
}

const acquireScript = `if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return redis.call('INCR', KEYS[2]) end return 0`;
const renewScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** Leases in Redis; they end by themselves when their holder dies. */
export class RedisLease implements Lease {
  readonly #client: Redis;
  constructor(client: Redis) {
    this.#client = client;
  }
  async acquire(name: string, forMs: number): Promise<Held | null> {
    const token = crypto.randomUUID();
    const key = `{lease:${name}}`;
    const call = (script: string, keys: readonly string[], ...args: string[]): Promise<number> =>
      (this.#client.eval(script, keys.length, ...keys, ...args) as Promise<number>).catch((cause) => {
        throw new ForyouError('unavailable', 'Redis does not answer', { cause, fix: 'check it: foryou status' });
      });
    const fence = await call(acquireScript, [key, `${key}:fence`], token, String(forMs));
    if (fence === 0) return null;
    return {
      fence,
      renew: async (ms) => (await call(renewScript, [key], token, String(ms))) === 1,
      release: async () => void (await call(releaseScript, [key], token)),
    };
  }
}
