import type { Interner } from '#infra/bytes/interner.ts';
import { wider } from '#infra/bytes/wider.ts';
import type { DeltaWriter } from '#infra/online/delta.ts';
import { storedScore } from '#schemas/features/layout.ts';
import { addLogWeights } from '#schemas/features/monoids.ts';
import type { Chunk, Field, Pairs, Target, Weights } from './fold-chunk.ts';

/** What one batch says of (entity, key) pairs, of one view; pairs have numbers that views share. */
interface Scores {
  /** True when the pair is new to the batch. */
  add(pair: number, record: number, value: number): boolean;
  /** What the delta says of the pair, which is forgotten. */
  take(pair: number): number;
  /** So many of an entity's pairs, the highest, say all that the store would keep of them; infinite where more must be told. */
  readonly most: number;
}

/** What is folded: the field of the keys, whether one seldom comes twice, and what an event says of it. */
interface Keyed {
  readonly key: string;
  readonly rare: boolean;
  readonly signal: (event: never) => number | boolean;
}

/** Folds a batch into scores by entity and key. */
export class KeyedFold {
  readonly #target: Target;
  readonly #chunk: Chunk;
  readonly entities: Field;
  readonly #keysOf: Field;
  readonly #pairs: Pairs;
  readonly #signal: Float64Array;
  readonly #scores: Scores;
  /** Pairs of one entity form a list. Two by entity: how many, and the last of them. */
  #lists = new Int32Array(2 * 256);
  /** Two by pair, side by side because both are read at once: its key, and the pair before it in the list. */
  #links = new Int32Array(2 * 256);
  /** Entities that something is said of. */
  readonly touched: number[] = [];
  #saidKeys = new Int32Array(256);
  #saidScores = new Float64Array(256);

  constructor(target: Target, chunk: Chunk, entities: Field, { key, rare, signal }: Keyed, scores: Scores) {
    this.#target = target;
    this.#chunk = chunk;
    this.entities = entities;
    this.#keysOf = chunk.field(key);
    this.#pairs = chunk.pairs(entities, this.#keysOf, rare);
    this.#signal = chunk.signals.columns[chunk.signals.index(signal)] as Float64Array;
    this.#scores = scores;
  }

  fold(): void {
    const { count, ids, records, interner } = this.entities;
    const { first } = this.#keysOf;
    const signal = this.#signal;
    for (let k = 0; k < count; k++) {
      const record = records[k] as number;
      const value = signal[record] as number;
      const key = first[record] as number;
      if (!(value > 0) || key < 0) continue;
      const id = ids[k] as number;
      if (!this.#chunk.admits(record, interner.slot(id))) continue;
      const pair = this.#pairs.number(k);
      if (this.#scores.add(pair, record, value)) this.#link(id, key, pair);
    }
  }

  #link(entity: number, key: number, pair: number): void {
    const link = 2 * pair;
    const list = 2 * entity;
    if (link >= this.#links.length) this.#links = wider(this.#links, Int32Array, link + 2, 0);
    if (list >= this.#lists.length) this.#lists = wider(this.#lists, Int32Array, list + 2, 0);
    const before = this.#lists[list] as number;
    if (before === 0) this.touched.push(entity);
    this.#links[link] = key;
    this.#links[link + 1] = this.#lists[list + 1] as number;
    this.#lists[list] = before + 1;
    this.#lists[list + 1] = pair;
  }

  /** Writes one list per entity into the delta of its slot, and starts again. */
  drain(writers: readonly DeltaWriter[]): void {
    for (const entity of this.touched) this.#drainList(entity, writers);
    this.touched.length = 0;
  }

  #drainList(entity: number, writers: readonly DeltaWriter[]): void {
    const { index, prefixes } = this.#target;
    const { interner } = this.entities;
    const keys = this.#keysOf.interner;
    const said = this.#take(entity);
    const slot = interner.slot(entity);
    const writer = (writers[slot] as DeltaWriter).list(index, said);
    writer.key(prefixes[slot] as Uint8Array, interner.bytes, interner.start(entity), interner.start(entity + 1));
    for (let i = 0; i < said; i++) {
      const key = this.#saidKeys[i] as number;
      writer.whole(this.#saidScores[i] as number).key(nothing, keys.bytes, keys.start(key), keys.start(key + 1));
    }
  }

  /** Whether anything is said of an entity. */
  says(entity: number): boolean {
    return 2 * entity < this.#lists.length && (this.#lists[2 * entity] as number) > 0;
  }

  /** Writes an entity's keys, if there are any, as entries of a log; they are forgotten. */
  writeEntries(entity: number, tag: number, writer: DeltaWriter): void {
    const said = this.says(entity) ? this.#take(entity) : 0;
    const keys = this.#keysOf.interner;
    for (let i = 0; i < said; i++) {
      const key = this.#saidKeys[i] as number;
      writer.entry(this.#saidScores[i] as number, tag, keys.bytes, keys.start(key), keys.start(key + 1));
    }
  }

  /** What the delta says of an entity, into `#saidKeys` and `#saidScores`; returns how many. Ties with the last that counts stay. */
  #take(entity: number): number {
    const length = this.#lists[2 * entity] as number;
    if (length > this.#saidKeys.length) {
      this.#saidKeys = new Int32Array(2 * length);
      this.#saidScores = new Float64Array(2 * length);
    }
    let pair = this.#lists[2 * entity + 1] as number;
    for (let i = 0; i < length; i++) {
      this.#saidKeys[i] = this.#links[2 * pair] as number;
      this.#saidScores[i] = this.#scores.take(pair);
      pair = this.#links[2 * pair + 1] as number;
    }
    this.#lists[2 * entity] = 0;
    if (length <= this.#scores.most) return length;
    const least = this.#saidScores.slice(0, length).sort()[length - this.#scores.most] as number;
    let kept = 0;
    for (let i = 0; i < length; i++) {
      if ((this.#saidScores[i] as number) < least) continue;
      this.#saidKeys[kept] = this.#saidKeys[i] as number;
      this.#saidScores[kept++] = this.#saidScores[i] as number;
    }
    return kept;
  }
}

/** Folds the views that share a log: of an entity all of them write into one value of the delta. */
export class LogFold {
  readonly #target: Target;
  readonly #views: { readonly fold: KeyedFold; readonly tag: number }[] = [];

  constructor(target: Target) {
    this.#target = target;
  }

  add(fold: KeyedFold, tag: number): void {
    if (this.#views.some((other) => other.fold.entities !== fold.entities)) throw new TypeError('views of different entities cannot share a log');
    this.#views.push({ fold, tag });
  }

  fold(): void {
    for (const { fold } of this.#views) fold.fold();
  }

  drain(writers: readonly DeltaWriter[]): void {
    for (const { fold } of this.#views) {
      // An earlier view may have brought it along.
      for (const entity of fold.touched) if (fold.says(entity)) this.#drainLog(entity, fold.entities.interner, writers);
      fold.touched.length = 0;
    }
  }

  #drainLog(entity: number, interner: Interner, writers: readonly DeltaWriter[]): void {
    const { index, prefixes } = this.#target;
    const slot = interner.slot(entity);
    const writer = (writers[slot] as DeltaWriter).value(index);
    writer.key(prefixes[slot] as Uint8Array, interner.bytes, interner.start(entity), interner.start(entity + 1)).beginLog();
    for (const { fold, tag } of this.#views) fold.writeEntries(entity, tag, writer);
    writer.endLog();
  }
}

const nothing = new Uint8Array(0);
/** Below this, a sum moves to where its logarithm is kept: it is soon too small for a double. */
const least = 2 ** -900;

/** Sums of weights at the fold's epoch, written as the store's score of their logarithm. */
export class RankedScores implements Scores {
  /** A low sum may be added to one that the store has. */
  readonly most = Infinity;
  readonly #weights: Weights;
  readonly #halfLifeMs: number;
  readonly #weight: Float64Array;
  /** Two by pair: the sum, and the moment that it is expressed at. */
  #sums = new Float64Array(2 * 256);
  /** log2 of what is too old for `#sums`, on the scale of the store. */
  readonly #old = new Map<number, number>();

  constructor(halfLifeMs: number, { weights }: Chunk) {
    this.#weights = weights;
    this.#halfLifeMs = halfLifeMs;
    this.#weight = weights.columns[weights.index(halfLifeMs)] as Float64Array;
  }

  add(pair: number, record: number, value: number): boolean {
    const at = 2 * pair;
    if (at >= this.#sums.length) this.#sums = wider(this.#sums, Float64Array, at + 2, 0);
    const { epochMs } = this.#weights;
    const isNew = this.#sums[at + 1] === 0;
    if (isNew) this.#sums[at + 1] = epochMs;
    else if (this.#sums[at + 1] !== epochMs) this.#express(pair, epochMs);
    const added = value * (this.#weight[record] as number);
    if (added < least) this.#age(pair, Math.log2(value) + (this.#weights.times[record] as number) / this.#halfLifeMs);
    else this.#sums[at] = (this.#sums[at] as number) + added;
    return isNew;
  }

  #express(pair: number, epochMs: number): void {
    const [sum, before] = [this.#sums[2 * pair] as number, this.#sums[2 * pair + 1] as number];
    const moved = sum * 2 ** ((before - epochMs) / this.#halfLifeMs);
    if (sum > 0 && moved < least) this.#age(pair, Math.log2(sum) + before / this.#halfLifeMs);
    this.#sums[2 * pair] = moved < least ? 0 : moved;
    this.#sums[2 * pair + 1] = epochMs;
  }

  #age(pair: number, logWeight: number): void {
    const before = this.#old.get(pair);
    this.#old.set(pair, before === undefined ? logWeight : addLogWeights(before, logWeight));
  }

  take(pair: number): number {
    const at = 2 * pair;
    const sum = this.#sums[at] as number;
    const logWeight = Math.log2(sum) + (this.#sums[at + 1] as number) / this.#halfLifeMs;
    const old = this.#old.size > 0 ? this.#old.get(pair) : undefined;
    this.#sums[at] = 0;
    this.#sums[at + 1] = 0;
    if (old === undefined) return storedScore(logWeight);
    this.#old.delete(pair);
    return storedScore(sum > 0 ? addLogWeights(logWeight, old) : old);
  }
}

/** The newest time of each pair. */
export class RecentScores implements Scores {
  readonly most: number;
  readonly #eventTimes: Float64Array;
  #times = new Float64Array(256);

  constructor(capacity: number, { weights }: Chunk) {
    this.most = capacity;
    this.#eventTimes = weights.times;
  }

  add(pair: number, record: number): boolean {
    if (pair >= this.#times.length) this.#times = wider(this.#times, Float64Array, pair + 1, 0);
    const before = this.#times[pair] as number;
    const timeMs = this.#eventTimes[record] as number;
    if (timeMs > before) this.#times[pair] = timeMs;
    return before === 0;
  }

  take(pair: number): number {
    const timeMs = this.#times[pair] as number;
    this.#times[pair] = 0;
    return timeMs;
  }
}
