import type { Redis } from 'ioredis';
import { ForyouError } from '../errors.ts';

/** One holder at a time. */
export interface Lease {
  /** A function that gives the lease back, or null when somebody else holds it. */
  acquire(name: string, forMs: number): Promise<(() => Promise<void>) | null>;
}

const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** Leases in Redis; they end by themselves when their holder dies. */
export class RedisLease implements Lease {
  readonly #client: Redis;
  constructor(client: Redis) {
    this.#client = client;
  }
  async acquire(name: string, forMs: number): Promise<(() => Promise<void>) | null> {
    const token = crypto.randomUUID();
    const key = `lease:${name}`;
    const taken = await this.#client.set(key, token, 'PX', forMs, 'NX').catch((cause) => {
      throw new ForyouError('unavailable', 'Redis does not answer', { cause, fix: 'check it: foryou status' });
    });
    if (taken === null) return null;
    return async () => {
      await this.#client.eval(releaseScript, 1, key, token);
    };
  }
}
