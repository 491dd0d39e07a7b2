import { type DeltaPart, DeltaWriter, type ViewCatalog } from '#infra/online/delta.ts';
import type { EventContract } from '#schemas/events/contract.ts';
import { lanes, logLayoutOf, onlineKeyPrefix } from '#schemas/features/layout.ts';
import { type Card, latestCard } from '#schemas/features/monoids.ts';
import { type AnyView, keptAsLog, type LogView } from '#schemas/features/view.ts';
import type { Row } from './avro-reader.ts';
import { type Admission, Chunk, chunkRecords, type Field, type Target } from './fold-chunk.ts';
import { KeyedFold, LogFold, RankedScores, RecentScores } from './fold-keyed.ts';
import { PackedFold } from './fold-packed.ts';

/**
 * The topologies' interpreter of feature views: folds a batch of events into one delta for each slot of the store. Records
 * become columns first, then each view goes through them in one loop: the processor waits for memory less often than if
 * each record went through all views.
 */
export class Fold {
  readonly #shards: number;
  readonly #chunk: Chunk;
  readonly #views: { fold(): void; drain(writers: readonly DeltaWriter[]): void }[] = [];
  readonly #logs = new Map<string, LogFold>();
  readonly #cards: ((row: Row, timeMs: number, offset: number, admission: Admission) => void)[] = [];
  readonly #writers: DeltaWriter[];
  #records = 0;

  constructor(contract: EventContract, views: readonly AnyView[], catalog: ViewCatalog, shards: number) {
    this.#shards = shards;
    this.#chunk = new Chunk(contract, shards);
    this.#writers = Array.from({ length: shards * lanes }, () => new DeltaWriter());
    for (const view of views) this.#install(view, catalog.index(view));
  }

  /** Takes a record in for the slots that `admission` lets it count for. */
  add(row: Row, timeMs: number, offset: number, admission: Admission): void {
    const { weights } = this.#chunk;
    if (weights.beyond(timeMs)) {
      this.#foldChunk();
      weights.epochMs = timeMs;
    }
    this.#chunk.add(row, timeMs, offset, admission);
    for (const card of this.#cards) card(row, timeMs, offset, admission);
    this.#records++;
    if (this.#chunk.count === chunkRecords) this.#foldChunk();
  }

  /** Records since the last deltas. */
  get records(): number {
    return this.#records;
  }

  /** What to merge by slot, empty where nothing changed; the fold starts again. */
  deltas(): DeltaPart[] {
    this.#foldChunk();
    for (const view of this.#views) view.drain(this.#writers);
    this.#chunk.clear();
    this.#records = 0;
    return this.#writers.map((writer) => writer.finish());
  }

  #foldChunk(): void {
    if (this.#chunk.count === 0) return;
    this.#chunk.close();
    for (const view of this.#views) view.fold();
    this.#chunk.next();
  }

  #install(view: AnyView, index: number): void {
    const chunk = this.#chunk;
    const entity = chunk.field(view.entity);
    const ofShards = Array.from({ length: this.#shards }, (_, shard) => Buffer.from(onlineKeyPrefix(view, shard)));
    const prefixes = Array.from({ length: this.#shards * lanes }, (_, slot) => ofShards[slot % this.#shards] as Buffer);
    const target = { index, prefixes };
    if (view.storage === 'card') this.#installCard(view, target, entity);
    else if (view.storage === 'packed') this.#views.push(new PackedFold(view, target, chunk, entity));
    else {
      const rare = view.kept?.rare === true;
      // Of pairs that are not added up the highest may all be one.
      const scores = view.storage === 'ranked' ? new RankedScores(view.halfLifeMs, chunk) : new RecentScores(rare ? Infinity : view.capacity, chunk);
      const signal = view.storage === 'ranked' ? view.value : view.when;
      const fold = new KeyedFold(target, chunk, entity, { key: view.key, rare, signal }, scores);
      if (keptAsLog(view)) this.#logOf(view, target).add(fold, logLayoutOf(view).tag);
      else this.#views.push(fold);
    }
  }

  /** What folds the views of a log, made with the first of them. */
  #logOf({ kept }: LogView, target: Target): LogFold {
    const known = this.#logs.get(kept.log);
    if (known) return known;
    const log = new LogFold(target);
    this.#logs.set(kept.log, log);
    this.#views.push(log);
    return log;
  }

  /** A card is made of the row itself, which the next record takes: it cannot wait for the chunk. */
  #installCard(view: AnyView & { storage: 'card' }, { index, prefixes }: Target, entities: Field): void {
    const { interner } = entities;
    const cards = new Map<number, Card>();
    this.#cards.push((row, timeMs, offset, admission) => {
      const record = this.#chunk.count - 1;
      for (let k = entities.count - 1; k >= 0 && entities.records[k] === record; k--) {
        const id = entities.ids[k] as number;
        if (admission.admits(interner.slot(id), offset))
          cards.set(id, latestCard.merge(cards.get(id) ?? latestCard.empty, latestCard.of(timeMs, view.body(row))));
      }
    });
    const drain = () => {
      for (const [id, { timeMs, body }] of cards) {
        const slot = interner.slot(id);
        const writer = this.#writers[slot] as DeltaWriter;
        writer.value(index).key(prefixes[slot] as Uint8Array, interner.bytes, interner.start(id), interner.start(id + 1));
        writer.card(timeMs, body);
      }
      cards.clear();
    };
    this.#views.push({ fold: () => {}, drain });
  }
}
