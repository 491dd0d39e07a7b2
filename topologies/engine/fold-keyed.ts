import { type DeltaWriter, op } from '#infra/online/delta.ts';
import { onlineKeyPrefix } from '#schemas/features/layout.ts';
import type { AnyView } from '#schemas/features/view.ts';
import { wider } from './fold-packed.ts';
import type { Interner } from './interner.ts';

/** How a keyed view combines what one batch says of one (entity, key) pair. */
interface Combine {
  readonly kind: number;
  /** Score of a first contribution. */
  first(timeMs: number, value: number): number;
  /** Score after one more. */
  next(score: number, timeMs: number, value: number): number;
  write(writer: DeltaWriter, score: number): void;
}

/** Folds a batch into scores by entity and key: ranked views (decayed sums) and recent views (newest times). */
export class KeyedFold {
  readonly #combine: Combine;
  readonly #prefixes: string[];
  readonly #viewIndex: number;
  /** Open addressing from (entity, key) to a slot; -1 is free. */
  #table = new Int32Array(512).fill(-1);
  #count = 0;
  #owners = new Int32Array(256);
  #scores = new Float64Array(256);
  #keys = new Int32Array(256);
  /** Slots of one entity form a list: `#heads[entity]`, then `#nexts[slot]`. */
  #nexts = new Int32Array(256);
  #heads = new Int32Array(256).fill(-1);
  #lengths = new Int32Array(256);
  readonly #entities: number[] = [];

  constructor(view: AnyView, viewIndex: number, shards: number) {
    this.#viewIndex = viewIndex;
    this.#prefixes = Array.from({ length: shards }, (_, shard) => onlineKeyPrefix(view, shard));
    this.#combine = view.storage === 'ranked' ? ranked(view.halfLifeMs) : recent;
  }

  add(entity: number, key: number, timeMs: number, value: number): void {
    const at = this.#find(entity, key);
    const known = this.#table[at] as number;
    if (known >= 0) {
      this.#scores[known] = this.#combine.next(this.#scores[known] as number, timeMs, value);
      return;
    }
    const slot = this.#count++;
    this.#table[at] = slot;
    if (slot >= this.#keys.length) {
      this.#owners = wider(this.#owners, Int32Array, slot + 1, 0);
      this.#scores = wider(this.#scores, Float64Array, slot + 1, 0);
      this.#keys = wider(this.#keys, Int32Array, slot + 1, 0);
      this.#nexts = wider(this.#nexts, Int32Array, slot + 1, 0);
    }
    if (entity >= this.#heads.length) {
      this.#heads = wider(this.#heads, Int32Array, entity + 1, -1);
      this.#lengths = wider(this.#lengths, Int32Array, entity + 1, 0);
    }
    this.#scores[slot] = this.#combine.first(timeMs, value);
    this.#keys[slot] = key;
    this.#owners[slot] = entity;
    if (this.#count * 2 > this.#table.length) this.#rehash();
    this.#nexts[slot] = this.#heads[entity] as number;
    if ((this.#heads[entity] as number) < 0) this.#entities.push(entity);
    this.#heads[entity] = slot;
    this.#lengths[entity] = (this.#lengths[entity] as number) + 1;
  }

  /** Place of the pair in the table, or the free one where it belongs. */
  #find(entity: number, key: number): number {
    const mask = this.#table.length - 1;
    for (let i = (Math.imul(entity, 0x9e3779b1) ^ Math.imul(key, 0x85ebca6b)) & mask; ; i = (i + 1) & mask) {
      const slot = this.#table[i] as number;
      if (slot < 0 || (this.#keys[slot] === key && this.#owners[slot] === entity)) return i;
    }
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(-1);
    for (let slot = 0; slot < this.#count; slot++) this.#table[this.#find(this.#owners[slot] as number, this.#keys[slot] as number)] = slot;
  }

  /** Entities so far. */
  get size(): number {
    return this.#entities.length;
  }

  drain(entities: Interner, keys: Interner, writers: readonly DeltaWriter[]): void {
    for (const entity of this.#entities) {
      const shard = entities.shard(entity);
      const writer = (writers[shard] as DeltaWriter).operation(this.#combine.kind, this.#viewIndex, 4);
      writer.key(this.#prefixes[shard] as string, entities.bytes, entities.start(entity), entities.start(entity + 1));
      writer.array(2 * (this.#lengths[entity] as number));
      for (let slot = this.#heads[entity] as number; slot >= 0; slot = this.#nexts[slot] as number) {
        const key = this.#keys[slot] as number;
        this.#combine.write(writer, this.#scores[slot] as number);
        writer.key('', keys.bytes, keys.start(key), keys.start(key + 1));
      }
      this.#heads[entity] = -1;
      this.#lengths[entity] = 0;
    }
    this.#entities.length = 0;
    if (this.#count > 0) this.#table.fill(-1);
    this.#count = 0;
  }
}

/** log2 of the forward-decayed sum, as in `topK` of the monoids. */
const ranked = (halfLifeMs: number): Combine => ({
  kind: op.ranked,
  first: (timeMs, value) => Math.log2(value) + timeMs / halfLifeMs,
  write: (writer, score) => writer.number(score),
  next(score, timeMs, value) {
    const added = Math.log2(value) + timeMs / halfLifeMs;
    return added > score ? added + Math.log2(1 + 2 ** (score - added)) : score + Math.log2(1 + 2 ** (added - score));
  },
});

const recent: Combine = {
  kind: op.recent,
  first: (timeMs) => timeMs,
  next: (score, timeMs) => Math.max(timeMs, score),
  write: (writer, score) => writer.text(String(score)),
};
