import { decode } from '@msgpack/msgpack';
import { entityOfKey, logLayoutOf, onlineKey, scoreSteps, shardOf, storedScore } from '#schemas/features/layout.ts';
import { addLogWeights } from '#schemas/features/monoids.ts';
import { type AnyView, keptAsLog, type LogView } from '#schemas/features/view.ts';
import { ForyouError } from '../errors.ts';
import type { DescribedView, ViewCatalog } from './delta.ts';
import { bestFirst, KeyLog, type Members, membersOf, stepOf } from './key-log.ts';
import { type ChangeListener, type Mark, type MarkMove, markAt, type OnlineStore, type SourcePartition, type TopRead, writeMark } from './online.ts';

/** The online store in memory: the same merges as `merge.lua`, for unit tests. */
export class MemoryOnlineStore implements OnlineStore {
  readonly shards: number;
  readonly #views: DescribedView[];
  readonly #values = new Map<string, Buffer>();
  readonly #sets = new Map<string, Map<string, number>>();
  readonly #watermarks = new Map<string, Mark>();
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

  async watermarks(source: SourcePartition): Promise<Mark[]> {
    return Array.from({ length: this.shards }, (_, shard) => this.#watermarks.get(id(shard, source)) ?? markAt(0));
  }

  async merge(shard: number, moves: readonly MarkMove[], delta: Buffer): Promise<'applied' | 'already' | 'conflict'> {
    const standsAt = (at: (move: MarkMove) => Mark) =>
      moves.every((move) => writeMark(this.#watermarks.get(id(shard, move.source)) ?? markAt(0)) === writeMark(at(move)));
    if (standsAt(({ to }) => to)) return 'already';
    if (!standsAt(({ expected }) => expected)) return 'conflict';
    // Raw strings may hold any bytes, so they are decoded as bytes and read as UTF-8 where they are keys.
    const tokens = decode(delta, { rawStrings: true }) as (number | Uint8Array)[];
    for (let i = 0; i < tokens.length; ) {
      const view = this.#views[tokens[i] as number] as DescribedView;
      const n = tokens[i + 1] as number;
      i += 2;
      const keyed = (view.storage === 'ranked' || view.storage === 'recent') && !view.log;
      const key = keyed ? utf8(tokens[i++] as Uint8Array) : '';
      const pairs = tokens.slice(i, i + 2 * n) as Uint8Array[];
      i += 2 * n;
      if (keyed) this.#mergeSet(key, view, scoresOf(pairs));
      else for (let p = 0; p < pairs.length; p += 2) this.#mergeValue(utf8(pairs[p] as Uint8Array), view, Buffer.from(pairs[p + 1] as Uint8Array));
    }
    for (const { source, to } of moves) this.#watermarks.set(id(shard, source), to);
    return 'applied';
  }

  #changed(key: string): void {
    if (!this.#watched.delete(key)) return;
    const { view, entity } = entityOfKey(key);
    this.#listener?.changed(view, entity);
  }

  #mergeValue(key: string, view: DescribedView, value: Buffer): void {
    if (view.log) {
      for (const sharing of this.#views) {
        if (sharing.log?.log !== view.log.log) continue;
        const scores = [...new KeyLog(sharing.log, value).scores()];
        if (scores.length > 0)
          this.#mergeSet(`${key}#${sharing.log.tag}`, sharing, new Map(scores.map(([member, score]) => [member, Math.round(score * stepOf(sharing))])));
      }
      return;
    }
    this.#changed(key);
    const before = this.#values.get(key);
    if (view.storage === 'packed') this.#values.set(key, mergePacked(view, before, value));
    else if (!before || isLater(value, before)) this.#values.set(key, value);
  }

  #mergeSet(key: string, view: DescribedView, scores: ReadonlyMap<string, number>): void {
    const combine = view.storage === 'recent' ? Math.max : addStored;
    const set = new Map(this.#sets.get(key));
    for (const [member, score] of scores) {
      const before = set.get(member);
      set.set(member, before === undefined ? score : combine(before, score));
    }
    this.#sets.set(key, new Map(bestFirst(set).slice(0, view.capacity)));
  }

  #setOf(view: AnyView, entity: string): Map<string, number> | undefined {
    const key = onlineKey(view, shardOf(entity, this.shards), entity);
    return this.#sets.get(keptAsLog(view) ? `${key}#${logLayoutOf(view).tag}` : key);
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
      const best = bestFirst(this.#setOf(r.view, r.entity) ?? new Map()).slice(0, r.limit);
      return { keys: best.map(([key]) => key), scores: best.map(([, score]) => score / stepOf(r.view)) };
    });
  }

  async sizes(view: AnyView, entities: readonly string[], enough = Infinity): Promise<number[]> {
    return entities.map((entity) => Math.min(enough, this.#setOf(view, entity)?.size ?? 0));
  }

  async members(view: LogView, entity: string): Promise<Members> {
    return membersOf(this.#setOf(view, entity)?.keys() ?? []);
  }

  async close(): Promise<void> {}
}

const id = (shard: number, s: SourcePartition): string => `${shard} ${s.group} ${s.topic}/${s.partition}`;
const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
/** Pairs of score and member. */
const scoresOf = (pairs: readonly Uint8Array[]): Map<string, number> =>
  new Map(Array.from({ length: pairs.length / 2 }, (_, i) => [utf8(pairs[2 * i + 1] as Uint8Array), Number(utf8(pairs[2 * i] as Uint8Array))]));

const addStored = (a: number, b: number): number => storedScore(addLogWeights(a / scoreSteps, b / scoreSteps));

/** The later time wins; at a tie the withdrawal, then the larger body. */
function isLater(card: Buffer, before: Buffer): boolean {
  const [time, old] = [card.readDoubleLE(0), before.readDoubleLE(0)];
  if (time !== old) return time > old;
  return before.length > 8 && (card.length === 8 || card.compare(before, 8, undefined, 8) > 0);
}

function mergePacked({ fingerprint, slots }: DescribedView, before: Buffer | undefined, delta: Buffer): Buffer {
  if (!before || before.length !== delta.length || before.readUInt32LE(0) !== fingerprint) return delta;
  const merged = Buffer.from(before);
  const [timeA, timeB] = [before.readDoubleLE(4), delta.readDoubleLE(4)];
  const time = Math.max(timeA, timeB);
  merged.writeDoubleLE(time, 4);
  for (const slot of slots) {
    const at = 12 + 8 * slot.at;
    const [a, b] = [before.readDoubleLE(at), delta.readDoubleLE(at)];
    if (slot.kind === 'decayedSum') merged.writeDoubleLE(a * 2 ** ((timeA - time) / slot.halfLifeMs) + b * 2 ** ((timeB - time) / slot.halfLifeMs), at);
    else if (b > a || (b === a && delta.readDoubleLE(at + 8) > before.readDoubleLE(at + 8))) delta.copy(merged, at, at, at + 16);
  }
  return merged;
}
