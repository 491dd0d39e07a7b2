import { DeltaWriter, op, type ViewCatalog } from '#infra/online/delta.ts';
import type { EventContract } from '#schemas/events/contract.ts';
import { onlineKeyPrefix } from '#schemas/features/layout.ts';
import { type Card, latestCard } from '#schemas/features/monoids.ts';
import type { AnyView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import { KeyedFold } from './fold-keyed.ts';
import { PackedFold } from './fold-packed.ts';
import { Interner } from './interner.ts';

type AddView = (row: Row, timeMs: number, admit: Admit) => void;
/** Whether this record still counts for the entity's shard. */
type Admit = (shard: number) => boolean;

/** The topologies' interpreter of feature views: folds a batch of events into one delta per shard. */
export class Fold {
  readonly #interners = new Map<string, Interner>();
  readonly #add: AddView[] = [];
  readonly #drain: (() => void)[] = [];
  readonly #sizes: (() => number)[] = [];
  readonly #writers: DeltaWriter[];
  readonly #contract: EventContract;
  readonly #shards: number;
  /** Per record, the interned id of each string field; -1 for not yet asked. */
  readonly #ids = new Map<string, { id: number; record: number }>();
  #record = 0;

  constructor(contract: EventContract, views: readonly AnyView[], catalog: ViewCatalog, shards: number) {
    this.#contract = contract;
    this.#shards = shards;
    this.#writers = Array.from({ length: shards }, () => new DeltaWriter());
    for (const view of views) this.#install(view, catalog.index(view));
  }

  add(row: Row, timeMs: number, admit: Admit): void {
    this.#record++;
    for (const add of this.#add) add(row, timeMs, admit);
  }

  /** Entities that the deltas will touch, over all views. */
  get size(): number {
    let size = 0;
    for (const of of this.#sizes) size += of();
    return size;
  }

  /** One delta per shard, empty array operations where nothing changed; the fold starts again. */
  deltas(): Buffer[] {
    for (const drain of this.#drain) drain();
    for (const interner of this.#interners.values()) interner.clear();
    return this.#writers.map((writer) => writer.finish());
  }

  #interner(name: string): Interner {
    const known = this.#interners.get(name);
    if (known) return known;
    const created = new Interner(this.#shards);
    this.#interners.set(name, created);
    return created;
  }

  /** A function from a row to the interned id of a string field, -1 for an empty string. */
  #field(name: string): { interner: Interner; id: (row: Row) => number } {
    const interner = this.#interner(name);
    const memo = { id: -1, record: 0 };
    const [at, length] = [`$${name}`, `$$${name}`];
    this.#ids.set(name, this.#ids.get(name) ?? memo);
    const shared = this.#ids.get(name) as typeof memo;
    const id = (row: Row): number => {
      if (shared.record === this.#record) return shared.id;
      shared.record = this.#record;
      shared.id = row[length] === 0 ? -1 : interner.id(row.buffer, row[at], row[length]);
      return shared.id;
    };
    return { interner, id };
  }

  #install(view: AnyView, index: number): void {
    const entity = view.entity;
    if (typeof entity === 'object') {
      const interner = this.#interner(`all:${entity.all}`);
      this.#installFor(view, index, interner, (_row, each) => each(interner.idOfString(entity.all)));
      return;
    }
    if (this.#contract.fields[entity]?.type === 'strings') {
      const interner = this.#interner(entity);
      this.#installFor(view, index, interner, (row, each) => {
        for (const member of row[entity] as string[]) if (member !== '') each(interner.idOfString(member));
      });
      return;
    }
    const { interner, id } = this.#field(entity);
    this.#installFor(view, index, interner, (row, each) => {
      const found = id(row);
      if (found >= 0) each(found);
    });
  }

  #installFor(view: AnyView, index: number, interner: Interner, entities: (row: Row, each: (entity: number) => void) => void): void {
    if (view.storage === 'packed') {
      const fold = new PackedFold(view, index, this.#shards);
      this.#add.push((row, timeMs, admit) => entities(row, (entity) => admit(interner.shard(entity)) && fold.add(entity, row, timeMs)));
      this.#drain.push(() => fold.drain(interner, this.#writers));
      this.#sizes.push(() => fold.size);
    } else if (view.storage === 'card') {
      this.#installCard(view, index, interner, entities);
    } else {
      const value = view.storage === 'ranked' ? view.value : (row: Row) => (view.when(row) ? 1 : 0);
      const key = this.#field(view.key);
      const fold = new KeyedFold(view, index, this.#shards);
      this.#add.push((row, timeMs, admit) => {
        const v = value(row);
        const k = v > 0 ? key.id(row) : -1;
        if (k >= 0) entities(row, (entity) => admit(interner.shard(entity)) && fold.add(entity, k, timeMs, v));
      });
      this.#drain.push(() => fold.drain(interner, key.interner, this.#writers));
      this.#sizes.push(() => fold.size);
    }
  }

  #installCard(view: AnyView & { storage: 'card' }, index: number, interner: Interner, entities: (row: Row, each: (entity: number) => void) => void): void {
    const cards = new Map<number, Card>();
    this.#sizes.push(() => cards.size);
    this.#add.push((row, timeMs, admit) =>
      entities(row, (entity) => {
        if (admit(interner.shard(entity))) cards.set(entity, latestCard.merge(cards.get(entity) ?? latestCard.empty, latestCard.of(timeMs, view.body(row))));
      }),
    );
    this.#drain.push(() => {
      for (const [entity, card] of cards) {
        const shard = interner.shard(entity);
        const body = Buffer.from(card.body);
        (this.#writers[shard] as DeltaWriter)
          .operation(op.card, index, 5)
          .key(onlineKeyPrefix(view, shard), interner.bytes, interner.start(entity), interner.start(entity + 1))
          .number(card.timeMs)
          .key('', body, 0, body.length);
      }
      cards.clear();
    });
  }
}
