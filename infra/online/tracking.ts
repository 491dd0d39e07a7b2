import type { Redis } from 'ioredis';
import { entityOfKey } from '#schemas/features/layout.ts';
import type { ChangeListener } from './online.ts';

/** Where Redis publishes the keys that have changed. */
const channel = '__redis__:invalidate';
const retryMs = 1_000;
/** A second connection that is dead without having been closed is found out within this. */
const pingEveryMs = 2_000;

/**
 * Server-assisted client-side caching (redis.io, "Client-side caching reference"): Redis remembers which keys the
 * reader asked for and names them on a second connection when they change. With `OPTIN` it remembers what is asked for
 * right after `CLIENT CACHING YES`, so that nobody is told of what nobody keeps.
 */
export class Tracking {
  readonly #reader: Redis;
  readonly #subscriber: Redis;
  readonly #listener: ChangeListener;
  /** Each loss of a connection ends the beginnings that were under way. */
  #round = 0;
  #closed = false;
  readonly #pinging: NodeJS.Timeout;

  constructor(reader: Redis, listener: ChangeListener) {
    this.#reader = reader;
    this.#listener = listener;
    this.#subscriber = reader.duplicate({ autoResubscribe: false });
    this.#subscriber.on('error', () => {});
    this.#subscriber.on('messageBuffer', (_channel, keys: unknown) => this.#invalidate(keys as readonly Buffer[] | null));
    for (const connection of [reader, this.#subscriber]) {
      connection.on('ready', this.#begin);
      connection.on('close', this.#end);
    }
    this.#pinging = setInterval(() => this.#ping(), pingEveryMs).unref();
    this.#begin();
  }

  /** Whether what is asked for now is watched. */
  get on(): boolean {
    return this.#listener.told;
  }

  /** Redis tracks no longer, although nobody lost a connection: what is known does not stand, and it is asked to track again. */
  refused(): void {
    if (!this.on) return;
    this.#end();
    this.#begin();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#pinging);
    this.#reader.off('ready', this.#begin).off('close', this.#end);
    this.#subscriber.disconnect();
  }

  #begin = (): void => {
    if (this.#closed || this.#reader.status !== 'ready' || this.#subscriber.status !== 'ready') return;
    const round = ++this.#round;
    this.#redirect(round).catch(() => {
      // A Redis that cannot track is asked again and again: once in a while is cheap, and it may be replaced.
      setTimeout(() => {
        if (round === this.#round) this.#begin();
      }, retryMs).unref();
    });
  };

  async #redirect(round: number): Promise<void> {
    const subscribed = this.#subscriber.condition?.subscriber;
    if (subscribed) await this.#subscriber.unsubscribe(channel);
    const id = await this.#subscriber.client('ID');
    await this.#subscriber.subscribe(channel);
    await this.#reader.client('TRACKING', 'ON', 'REDIRECT', id, 'OPTIN');
    if (round === this.#round) this.#listener.told = true;
  }

  #end = (): void => {
    this.#round++;
    this.#listener.told = false;
  };

  #ping(): void {
    if (!this.on) return;
    this.#subscriber.ping().catch(() => {
      this.#end();
      this.#subscriber.disconnect(true);
    });
  }

  #invalidate(keys: readonly Buffer[] | null): void {
    if (keys === null) {
      // Redis was emptied. It goes on telling.
      const told = this.#listener.told;
      this.#listener.told = false;
      this.#listener.told = told;
      return;
    }
    for (const key of keys) {
      const { view, entity } = entityOfKey(key.toString());
      this.#listener.changed(view, entity);
    }
  }
}
