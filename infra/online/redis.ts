import { Redis } from 'ioredis';
import { lanes, logLayoutOf, onlineKey, shardOf } from '#schemas/features/layout.ts';
import { type AnyView, keptAsLog, type LogView } from '#schemas/features/view.ts';
import { ForyouError } from '../errors.ts';
import type { ViewCatalog } from './delta.ts';
import { gatherWrites } from './gather-writes.ts';
import { KeyLog, type Members, stepOf } from './key-log.ts';
import { mergeScript } from './merge-script.ts';
import { type ChangeListener, type Mark, type MarkMove, type OnlineStore, readMark, type SourcePartition, type TopRead, writeMark } from './online.ts';
import { Tracking } from './tracking.ts';

const outcomes = ['applied', 'already', 'conflict'] as const;

/** A command for each key would keep this process busy for longer than Redis: it is asked by thousands. */
const sizesScript = `
local sizes = {}
for i = 1, #KEYS do sizes[i] = redis.call('ZCARD', KEYS[i]) end
return sizes`;
/** Distinct keys of logs (`key-log.ts`), counted from the front of each until there are enough. */
const logSizesScript = `
local enough, tag = tonumber(ARGV[1]), tonumber(ARGV[2])
local front = 64 * enough
local function distinct(log)
  local at, n, known = 1, 0, {}
  while n < enough and at + 11 <= #log do
    local of, length = struct.unpack('<HH', log, at + 8)
    local key = string.sub(log, at + 12, at + 11 + length)
    at = at + 12 + length
    if of == tag and length > 0 and at <= #log + 1 and not known[key] then
      known[key] = true
      n = n + 1
    end
  end
  return n
end
local sizes = {}
for i = 1, #KEYS do
  local log = redis.call('GETRANGE', KEYS[i], 0, front - 1)
  local n = distinct(log)
  if n < enough and #log == front then n = distinct(redis.call('GET', KEYS[i])) end
  sizes[i] = n
end
return sizes`;
/** Nobody else is answered while a script runs. */
const sizesAtOnce = 1_000;

interface ScriptClient extends Redis {
  foryouMerge(key: string, delta: Buffer, ...marks: string[]): Promise<number>;
  foryouSizes(count: number, ...keys: string[]): Promise<number[]>;
  foryouLogSizes(count: number, ...keysThenEnoughAndTag: (string | number)[]): Promise<number[]>;
}

export interface RedisOptions {
  readonly url: string;
  readonly shards: number;
  readonly catalog: ViewCatalog;
  /** A command that got no answer by then fails; the caller decides what to do about it. */
  readonly commandTimeoutMs?: number;
  /** Fail at once while Redis is away, instead of waiting for the connection. */
  readonly failFast?: boolean;
}

export class RedisOnlineStore implements OnlineStore {
  readonly shards: number;
  readonly client: Redis;
  #tracking: Tracking | undefined;

  constructor(options: RedisOptions) {
    this.shards = options.shards;
    this.client = new Redis(options.url, {
      lazyConnect: false,
      enableOfflineQueue: !options.failFast,
      // A command is tried once more on a new connection, then it fails instead of queueing without bound.
      maxRetriesPerRequest: 1,
      commandTimeout: options.commandTimeoutMs ?? 10_000,
      retryStrategy: (times) => Math.min(50 * times, 500),
    });
    this.client.on('error', () => {});
    gatherWrites(this.client);
    this.client.defineCommand('foryouMerge', { numberOfKeys: 1, lua: mergeScript(options.catalog) });
    this.client.defineCommand('foryouSizes', { lua: sizesScript, readOnly: true });
    this.client.defineCommand('foryouLogSizes', { lua: logSizesScript, readOnly: true });
  }

  async open(layout: { readonly clusterId: string }): Promise<void> {
    const mine = JSON.stringify({ shards: this.shards, lanes, log: layout.clusterId });
    await this.#tried(async () => {
      await this.client.setnx('foryou:layout', mine);
      const recorded = (await this.client.get('foryou:layout')) ?? mine;
      if (recorded !== mine)
        throw new ForyouError('layout-mismatch', `Redis holds the layout ${recorded}, this process wants ${mine}`, {
          fix: 'set FORYOU_ONLINE_SHARDS back, or empty Redis: it is rebuilt from the log',
        });
    });
  }

  async watermarks(source: SourcePartition): Promise<Mark[]> {
    const field = watermarkField(source);
    const marks = Array.from({ length: this.shards }, (_, shard) => watermarkKey(shard, source));
    return (await this.#tried(() => Promise.all(marks.map((key) => this.client.hget(key, field))))).map(readMark);
  }

  async merge(shard: number, moves: readonly MarkMove[], delta: Buffer): Promise<'applied' | 'already' | 'conflict'> {
    const [first] = moves;
    if (!first) throw new TypeError('a merge moves at least one mark');
    const marks = moves.flatMap(({ source, expected, to }) => [watermarkField(source), writeMark(expected), writeMark(to)]);
    const code = await this.#tried(() => (this.client as ScriptClient).foryouMerge(watermarkKey(shard, first.source), delta, ...marks));
    return outcomes[code] ?? 'conflict';
  }

  values(view: AnyView, entities: readonly string[]): Promise<(Buffer | null)[]> {
    return this.#values(view, entities, false);
  }

  watchedValues(view: AnyView, entities: readonly string[]): Promise<(Buffer | null)[]> {
    return this.#values(view, entities, this.#tracking?.on === true);
  }

  tell(listener: ChangeListener): void {
    this.#tracking = new Tracking(this.client, listener);
  }

  async #values(view: AnyView, entities: readonly string[], watched: boolean): Promise<(Buffer | null)[]> {
    if (entities.length === 0) return [];
    // One command for all shards: they are one Redis here, and a command costs more than a key.
    const keys = entities.map((entity) => onlineKey(view, shardOf(entity, this.shards), entity));
    return this.#tried(async () => {
      if (!watched) return this.client.mgetBuffer(keys);
      const caching = this.client.client('CACHING', 'YES').then(
        () => true,
        () => false,
      );
      // A read that is sent again on a new connection comes before tracking does: it is no worse than any other read.
      const [watching, read] = await Promise.all([caching, this.client.mgetBuffer(keys)]);
      if (!watching) this.#tracking?.refused();
      return read;
    });
  }

  async top(reads: readonly TopRead[]): Promise<{ keys: string[]; scores: number[] }[]> {
    // Views that share a log are read at once.
    const logs = new Map<string, Promise<Buffer | null>>();
    const read = async ({ view, entity, limit }: TopRead) => {
      const key = onlineKey(view, shardOf(entity, this.shards), entity);
      if (keptAsLog(view)) {
        const log = logs.get(key) ?? this.client.getBuffer(key);
        logs.set(key, log);
        return new KeyLog(logLayoutOf(view), await log).best(limit);
      }
      return fromPairs(await this.client.zrevrange(key, 0, limit - 1, 'WITHSCORES'), stepOf(view));
    };
    return this.#tried(() => Promise.all(reads.map(read)));
  }

  async members(view: LogView, entity: string): Promise<Members> {
    const key = onlineKey(view, shardOf(entity, this.shards), entity);
    return new KeyLog(logLayoutOf(view), await this.#tried(() => this.client.getBuffer(key)));
  }

  async sizes(view: AnyView, entities: readonly string[], enough = 'capacity' in view ? view.capacity : 0): Promise<number[]> {
    const keys = entities.map((entity) => onlineKey(view, shardOf(entity, this.shards), entity));
    return this.#tried(async () => {
      const parts: Promise<number[]>[] = [];
      const client = this.client as ScriptClient;
      for (let from = 0; from < keys.length; from += sizesAtOnce) {
        const part = keys.slice(from, from + sizesAtOnce);
        parts.push(keptAsLog(view) ? client.foryouLogSizes(part.length, ...part, enough, logLayoutOf(view).tag) : client.foryouSizes(part.length, ...part));
      }
      return (await Promise.all(parts)).flat().map((size) => Math.min(size, enough));
    });
  }

  async #tried<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      if (cause instanceof ForyouError) throw cause;
      throw new ForyouError('unavailable', 'Redis does not answer', { cause, fix: 'check it: foryou status' });
    }
  }

  async close(): Promise<void> {
    this.#tracking?.close();
    this.client.disconnect();
  }
}

function fromPairs(list: readonly string[], step: number): { keys: string[]; scores: number[] } {
  const keys: string[] = [];
  const scores: number[] = [];
  for (let i = 0; i < list.length; i += 2) {
    keys.push(list[i] as string);
    scores.push(Number(list[i + 1]) / step);
  }
  return { keys, scores };
}

const watermarkKey = (shard: number, source: SourcePartition): string => `{s${shard}}:watermarks:${source.group}`;
const watermarkField = (source: SourcePartition): string => `${source.topic}/${source.partition}`;
