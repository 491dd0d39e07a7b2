import { wider } from '#infra/bytes/wider.ts';
import type { DeltaWriter } from '#infra/online/delta.ts';
import { layoutOf, type PackedLayout } from '#schemas/features/layout.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';
import { type Chunk, chunkRecords, type Field, type Target } from './fold-chunk.ts';

/** What one signal adds to: which sums, and which weight each takes. */
interface Columns {
  readonly signal: Float64Array;
  readonly at: Int32Array;
  readonly weights: readonly Float64Array[];
}

/** Folds a batch into one row of sums per entity. */
export class PackedFold {
  readonly #layout: PackedLayout;
  readonly #columns: Columns[];
  readonly #registers: { signal: Float64Array; at: number }[] = [];
  readonly #target: Target;
  readonly #chunk: Chunk;
  readonly #entities: Field;
  #rowOf = new Int32Array(256).fill(-1);
  #entity = new Int32Array(256);
  /** The moment that a row's sums are expressed at. */
  #epochs = new Float64Array(256);
  #sums: Float64Array;
  #count = 0;
  /** Of an occurrence in the chunk: where its row begins; -1 where it says nothing. */
  #bases = new Int32Array(chunkRecords);

  constructor(view: AnyPackedView, target: Target, chunk: Chunk, entities: Field) {
    this.#layout = layoutOf(view);
    this.#target = target;
    this.#chunk = chunk;
    this.#entities = entities;
    const { signals, weights } = chunk;
    const bySignal = new Map<number, { at: number; weight: number }[]>();
    for (const slot of this.#layout.slots) {
      const signal = signals.index((view.columns[slot.name] as { value: (row: never) => number | null }).value);
      if (slot.kind === 'lastWrite') this.#registers.push({ signal: signals.columns[signal] as Float64Array, at: slot.at });
      else bySignal.set(signal, [...(bySignal.get(signal) ?? []), { at: slot.at, weight: weights.index(slot.halfLifeMs) }]);
    }
    this.#columns = [...bySignal].map(([signal, list]) => ({
      signal: signals.columns[signal] as Float64Array,
      at: Int32Array.from(list, (p) => p.at),
      weights: list.map((p) => weights.columns[p.weight] as Float64Array),
    }));
    this.#sums = new Float64Array(256 * this.#layout.doubles);
  }

  fold(): void {
    this.#openRows();
    for (const { signal, at, weights } of this.#columns)
      for (let i = 0; i < at.length; i++) this.#addColumn(signal, at[i] as number, weights[i] as Float64Array);
    for (const { signal, at } of this.#registers) this.#write(signal, at);
  }

  #openRows(): void {
    const { count, ids, records, interner } = this.#entities;
    if (this.#bases.length < count) this.#bases = new Int32Array(this.#entities.ids.length);
    for (let k = 0; k < count; k++) {
      const record = records[k] as number;
      const id = ids[k] as number;
      const counts = this.#says(record) && this.#chunk.admits(record, interner.slot(id));
      this.#bases[k] = counts ? this.#row(id) : -1;
    }
  }

  #says(record: number): boolean {
    for (let c = 0; c < this.#columns.length; c++) if ((this.#columns[c] as Columns).signal[record] !== 0) return true;
    for (const { signal } of this.#registers) if (!Number.isNaN(signal[record] as number)) return true;
    return false;
  }

  #addColumn(signal: Float64Array, place: number, weight: Float64Array): void {
    const { count, records } = this.#entities;
    const bases = this.#bases;
    const sums = this.#sums;
    for (let k = 0; k < count; k++) {
      const record = records[k] as number;
      const value = signal[record] as number;
      const base = bases[k] as number;
      if (value === 0 || base < 0) continue;
      sums[base + place] = (sums[base + place] as number) + value * (weight[record] as number);
    }
  }

  /** The latest time wins, at a tie the larger value. */
  #write(signal: Float64Array, at: number): void {
    const { count, records } = this.#entities;
    const { times } = this.#chunk.weights;
    const sums = this.#sums;
    for (let k = 0; k < count; k++) {
      const place = (this.#bases[k] as number) + at;
      const record = records[k] as number;
      const value = signal[record] as number;
      const timeMs = times[record] as number;
      const writtenAt = sums[place] as number;
      if (place < at || Number.isNaN(value) || timeMs < writtenAt || (timeMs === writtenAt && value <= (sums[place + 1] as number))) continue;
      sums[place] = timeMs;
      sums[place + 1] = value;
    }
  }

  /** Index of the entity's first sum. */
  #row(entity: number): number {
    if (entity >= this.#rowOf.length) this.#rowOf = wider(this.#rowOf, Int32Array, entity + 1, -1);
    const { epochMs } = this.#chunk.weights;
    let row = this.#rowOf[entity] as number;
    if (row < 0) {
      row = this.#count++;
      if (row >= this.#entity.length) this.#grow();
      this.#rowOf[entity] = row;
      this.#entity[row] = entity;
      this.#epochs[row] = epochMs;
    } else if (this.#epochs[row] !== epochMs) this.#express(row, epochMs);
    return row * this.#layout.doubles;
  }

  #express(row: number, epochMs: number): void {
    const age = (this.#epochs[row] as number) - epochMs;
    const base = row * this.#layout.doubles;
    for (const s of this.#layout.slots) if (s.kind === 'decayedSum') this.#sums[base + s.at] = (this.#sums[base + s.at] as number) * 2 ** (age / s.halfLifeMs);
    this.#epochs[row] = epochMs;
  }

  #grow(): void {
    const size = this.#entity.length * 2;
    this.#entity = wider(this.#entity, Int32Array, size, 0);
    this.#epochs = wider(this.#epochs, Float64Array, size, 0);
    this.#sums = wider(this.#sums, Float64Array, size * this.#layout.doubles, 0);
  }

  /** Writes one row per entity into the delta of its slot, and starts again. */
  drain(writers: readonly DeltaWriter[]): void {
    for (let row = 0; row < this.#count; row++) this.#drainRow(row, writers);
    this.#sums.fill(0, 0, this.#count * this.#layout.doubles);
    this.#count = 0;
  }

  #drainRow(row: number, writers: readonly DeltaWriter[]): void {
    const { doubles, fingerprint } = this.#layout;
    const { interner } = this.#entities;
    const { index, prefixes } = this.#target;
    const entity = this.#entity[row] as number;
    const slot = interner.slot(entity);
    const writer = writers[slot] as DeltaWriter;
    writer.value(index).key(prefixes[slot] as Uint8Array, interner.bytes, interner.start(entity), interner.start(entity + 1));
    writer.packed(fingerprint, this.#epochs[row] as number, this.#sums, row * doubles, doubles);
    this.#rowOf[entity] = -1;
  }
}
