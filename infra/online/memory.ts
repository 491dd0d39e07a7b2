import { decode } from '@msgpack/msgpack';
import { entityOfKey, onlineKey, shardOf } from '#schemas/features/layout.ts';
import { addLogWeights } from '#schemas/features/monoids.ts';
import type { AnyView } from '#schemas/features/view.ts';
import { ForyouError } from '../errors.ts';
import { op, type ViewCatalog } from './delta.ts';
import type { ChangeListener, OnlineStore, SourcePartition, TopRead } from './online.ts';

type Described = ReturnType<ViewCatalog['describe']>[number];

/** The online store in memory: the same merges as `merge.lua`, for unit tests. */
export class MemoryOnlineStore implements OnlineStore {
  readonly shards: number;
  readonly #views: Described[];
  readonly #values = new Map<string, Buffer>();
  readonly #sets = new Map<string, Map<string, number>>();
  readonly #watermarks = new Map<string, number>();
  readonly #watched = new Set<string>();
  #listener: ChangeListener | undefined;
  #layout: string | undefined;

  constructor(options: { shards: number; catalog: ViewCatalog }) {
    this.shards = options.shards;
    this.#views = options.catalog.describe();
  }

  async open(layout: { readonly clusterId: string }): Promise<void> {
    this.#layout ??= layout.clusterId;
    if (this.#layout !== layout.clusterId) throw new ForyouError('layout-mismatch', `the store belongs to log ${this.#layout}`);
  }

  async watermarks(source: SourcePartition): Promise<number[]> {
    return Array.from({ length: this.shards }, (_, shard) => this.#watermarks.get(id(shard, source)) ?? 0);
  }

  async merge(shard: number, source: SourcePartition, expected: number, to: number, delta: Buffer): Promise<'applied' | 'already' | 'conflict'> {
    const stored = this.#watermarks.get(id(shard, source)) ?? 0;
    if (stored === to) return 'already';
    if (stored !== expected) return 'conflict';
    // Raw strings may hold any bytes, so they are decoded as bytes and read as UTF-8 where they are keys.
    for (const operation of decode(delta, { rawStrings: true }) as Operation[]) this.#apply(operation);
    this.#watermarks.set(id(shard, source), to);
    return 'applied';
  }

  #apply([kind, viewIndex, rawKey, payload, body]: Operation): void {
    const view = this.#views[viewIndex] as Described;
    const key = utf8(rawKey);
    if (this.#watched.delete(key)) {
      const { view: name, entity } = entityOfKey(key);
      this.#listener?.changed(name, entity);
    }
    if (kind === op.packed) this.#values.set(key, mergePacked(view, this.#values.get(key), Buffer.from(payload as Uint8Array)));
    else if (kind === op.card) this.#mergeCard(key, payload as number, Buffer.from(body as Uint8Array));
    else this.#mergeSet(key, view.capacity, payload as (Uint8Array | number)[], kind === op.ranked ? addLogWeights : Math.max);
  }

  #mergeSet(key: string, capacity: number, pairs: readonly (Uint8Array | number)[], combine: (a: number, b: number) => number): void {
    const set = new Map(this.#sets.get(key));
    for (let i = 0; i < pairs.length; i += 2) {
      const [sent, bytes] = [pairs[i], pairs[i + 1]] as [number | Uint8Array, Uint8Array];
      const score = typeof sent === 'number' ? sent : Number(utf8(sent));
      const member = utf8(bytes);
      const before = set.get(member);
      set.set(member, before === undefined ? score : combine(before, score));
    }
    this.#sets.set(key, new Map(bestFirst(set).slice(0, capacity)));
  }

  #mergeCard(key: string, timeMs: number, body: Buffer): void {
    const before = this.#values.get(key);
    if (before) {
      const old = before.subarray(8);
      const oldTime = before.readDoubleLE(0);
      if (oldTime > timeMs || (oldTime === timeMs && (old.length === 0 || (body.length > 0 && old.compare(body) >= 0)))) return;
    }
    const value = Buffer.alloc(8 + body.length);
    value.writeDoubleLE(timeMs, 0);
    body.copy(value, 8);
    this.#values.set(key, value);
  }

  async values(view: AnyView, entities: readonly string[]): Promise<(Buffer | null)[]> {
    return entities.map((entity) => this.#values.get(onlineKey(view, shardOf(entity, this.shards), entity)) ?? null);
  }

  async watchedValues(view: AnyView, entities: readonly string[]): Promise<(Buffer | null)[]> {
    for (const entity of entities) this.#watched.add(onlineKey(view, shardOf(entity, this.shards), entity));
    return this.values(view, entities);
  }

  tell(listener: ChangeListener): void {
    this.#listener = listener;
    listener.told = true;
  }

  async top(reads: readonly TopRead[]): Promise<{ keys: string[]; scores: number[] }[]> {
    return reads.map((r) => {
      const best = bestFirst(this.#sets.get(onlineKey(r.view, shardOf(r.entity, this.shards), r.entity)) ?? new Map()).slice(0, r.limit);
      return { keys: best.map(([key]) => key), scores: best.map(([, score]) => score) };
    });
  }

  async scores(view: AnyView, entity: string, keys: readonly string[]): Promise<(number | null)[]> {
    const set = this.#sets.get(onlineKey(view, shardOf(entity, this.shards), entity));
    return keys.map((key) => set?.get(key) ?? null);
  }

  async sizes(view: AnyView, entities: readonly string[]): Promise<number[]> {
    return entities.map((entity) => this.#sets.get(onlineKey(view, shardOf(entity, this.shards), entity))?.size ?? 0);
  }

  async close(): Promise<void> {}
}

type Operation = [kind: number, view: number, key: Uint8Array, payload: unknown, body?: Uint8Array];

const id = (shard: number, s: SourcePartition): string => `${shard} ${s.group} ${s.topic}/${s.partition}`;
const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const bestFirst = (set: ReadonlyMap<string, number>): [string, number][] =>
  [...set].sort(([ka, a], [kb, b]) => b - a || Buffer.compare(Buffer.from(kb), Buffer.from(ka)));

function mergePacked(view: Described, before: Buffer | undefined, delta: Buffer): Buffer {
  if (!before || before.length !== delta.length || before.readUInt32LE(0) !== view.fingerprint) return delta;
  const merged = Buffer.from(before);
  const [timeA, timeB] = [before.readDoubleLE(4), delta.readDoubleLE(4)];
  const time = Math.max(timeA, timeB);
  merged.writeDoubleLE(time, 4);
  for (let i = 0; i < view.doubles; i++) {
    const at = 12 + 8 * i;
    const halfLife = view.halfLives[i] as number;
    const [a, b] = [before.readDoubleLE(at), delta.readDoubleLE(at)];
    if (halfLife > 0) merged.writeDoubleLE(a * 2 ** ((timeA - time) / halfLife) + b * 2 ** ((timeB - time) / halfLife), at);
    else if (halfLife === 0 && (b > a || (b === a && delta.readDoubleLE(at + 8) > before.readDoubleLE(at + 8)))) delta.copy(merged, at, at, at + 16);
  }
  return merged;
}
