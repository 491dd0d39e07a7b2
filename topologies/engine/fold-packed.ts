import type { DeltaWriter } from '#infra/online/delta.ts';
import { op } from '#infra/online/delta.ts';
import { headerBytes, layoutOf, onlineKeyPrefix, type PackedLayout } from '#schemas/features/layout.ts';
import type { AnyView, PackedView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import type { Interner } from './interner.ts';

interface Signal {
  readonly value: (row: Row) => number | null;
  /** Where the signal's sums lie, and which weight each takes. */
  readonly at: Int32Array;
  readonly weight: Int32Array;
}

/** So far may event times of one batch and entity lie apart, in half-lives, before the sums are expressed anew. */
const maxHalfLives = 500;

/** Folds a batch into one row of sums per entity. */
export class PackedFold {
  readonly #layout: PackedLayout;
  readonly #signals: Signal[] = [];
  readonly #registers: { value: (row: Row) => number | null; at: number }[] = [];
  readonly #halfLives: number[] = [];
  readonly #shortest: number;
  readonly #weights: Float64Array;
  readonly #prefixes: string[];
  readonly #viewIndex: number;
  #slotOf = new Int32Array(256).fill(-1);
  #entity = new Int32Array(256);
  #times = new Float64Array(256);
  #sums: Float64Array;
  #count = 0;

  constructor(view: PackedView<never>, viewIndex: number, shards: number) {
    this.#layout = layoutOf(view);
    this.#viewIndex = viewIndex;
    this.#prefixes = Array.from({ length: shards }, (_, shard) => onlineKeyPrefix(view as AnyView, shard));
    // One signal stands under several half-lives: evaluate it once.
    const places = new Map<unknown, { at: number; halfLifeMs: number }[]>();
    for (const slot of this.#layout.slots) {
      const { value } = view.columns[slot.name as never] as { value: (row: never) => number | null };
      if (slot.kind === 'lastWrite') this.#registers.push({ value: value as Signal['value'], at: slot.at });
      else places.set(value, [...(places.get(value) ?? []), { at: slot.at, halfLifeMs: slot.halfLifeMs }]);
    }
    for (const [value, list] of places) {
      const weight = list.map(({ halfLifeMs }) => {
        if (!this.#halfLives.includes(halfLifeMs)) this.#halfLives.push(halfLifeMs);
        return this.#halfLives.indexOf(halfLifeMs);
      });
      this.#signals.push({ value: value as Signal['value'], at: Int32Array.from(list, (p) => p.at), weight: Int32Array.from(weight) });
    }
    this.#shortest = Math.min(...this.#halfLives);
    this.#weights = new Float64Array(this.#halfLives.length);
    this.#sums = new Float64Array(256 * this.#layout.doubles);
  }

  get size(): number {
    return this.#count;
  }

  add(entity: number, row: Row, timeMs: number): void {
    let base = -1;
    for (const { value, at, weight } of this.#signals) {
      const v = value(row);
      if (v === 0 || v === null) continue;
      if (base < 0) base = this.#openSlot(entity, timeMs);
      for (let i = 0; i < at.length; i++) {
        const index = base + (at[i] as number);
        this.#sums[index] = (this.#sums[index] as number) + v * (this.#weights[weight[i] as number] as number);
      }
    }
    for (const { value, at } of this.#registers) {
      const v = value(row);
      if (v === null) continue;
      if (base < 0) base = this.#openSlot(entity, timeMs);
      const writtenAt = this.#sums[base + at] as number;
      if (timeMs < writtenAt || (timeMs === writtenAt && v <= (this.#sums[base + at + 1] as number))) continue;
      this.#sums[base + at] = timeMs;
      this.#sums[base + at + 1] = v;
    }
  }

  /** Index of the entity's first sum; sets the weights of an event at `timeMs` against the entity's moment. */
  #openSlot(entity: number, timeMs: number): number {
    if (entity >= this.#slotOf.length) this.#slotOf = wider(this.#slotOf, Int32Array, entity + 1, -1);
    let slot = this.#slotOf[entity] as number;
    if (slot < 0) {
      slot = this.#count++;
      if (slot >= this.#entity.length) this.#grow();
      this.#slotOf[entity] = slot;
      this.#entity[slot] = entity;
      this.#times[slot] = timeMs;
    }
    const base = slot * this.#layout.doubles;
    let age = timeMs - (this.#times[slot] as number);
    if (age > maxHalfLives * this.#shortest) {
      this.#express(slot, base, timeMs);
      age = 0;
    }
    for (let h = 0; h < this.#halfLives.length; h++) this.#weights[h] = age === 0 ? 1 : 2 ** (age / (this.#halfLives[h] as number));
    return base;
  }

  #express(slot: number, base: number, timeMs: number): void {
    const age = (this.#times[slot] as number) - timeMs;
    for (const s of this.#layout.slots) if (s.kind === 'decayedSum') this.#sums[base + s.at] = (this.#sums[base + s.at] as number) * 2 ** (age / s.halfLifeMs);
    this.#times[slot] = timeMs;
  }

  #grow(): void {
    const size = this.#entity.length * 2;
    this.#entity = wider(this.#entity, Int32Array, size, 0);
    this.#times = wider(this.#times, Float64Array, size, 0);
    this.#sums = wider(this.#sums, Float64Array, size * this.#layout.doubles, 0);
  }

  /** Writes one operation per entity into its shard's delta, and starts again. */
  drain(interner: Interner, writers: readonly DeltaWriter[]): void {
    const { doubles, bytes, fingerprint } = this.#layout;
    for (let slot = 0; slot < this.#count; slot++) {
      const entity = this.#entity[slot] as number;
      const shard = interner.shard(entity);
      const writer = (writers[shard] as DeltaWriter).operation(op.packed, this.#viewIndex, 4);
      writer.key(this.#prefixes[shard] as string, interner.bytes, interner.start(entity), interner.start(entity + 1));
      const { buffer, at } = writer.bytes(bytes);
      buffer.writeUInt32LE(fingerprint, at);
      buffer.writeDoubleLE(this.#times[slot] as number, at + 4);
      for (let i = 0; i < doubles; i++) buffer.writeDoubleLE(this.#sums[slot * doubles + i] as number, at + headerBytes + 8 * i);
      this.#slotOf[entity] = -1;
    }
    this.#sums.fill(0, 0, this.#count * doubles);
    this.#count = 0;
  }
}

type Numbers = Int32Array | Float64Array;
export function wider<A extends Numbers>(old: A, Type: new (length: number) => A, atLeast: number, fill: number): A {
  const grown = new Type(Math.max(old.length * 2, atLeast));
  grown.fill(fill);
  grown.set(old);
  return grown;
}
