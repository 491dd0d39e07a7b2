import { DeltaWriter, joinDelta, type ViewCatalog } from '#infra/online/delta.ts';
import { contribution, type EntityState, entitiesOf } from '#schemas/features/as-of.ts';
import { layoutOf, logLayoutOf, onlineKeyPrefix, shardOf, slotOf, storedScore } from '#schemas/features/layout.ts';
import type { Card, Decayed } from '#schemas/features/monoids.ts';
import { type AnyView, keptAsLog, type PackedView } from '#schemas/features/view.ts';
import type { StoredEvent } from './events.ts';

/**
 * What a run of events adds to the online store, one delta per shard: the same as the topologies'
 * fold makes of them, by the plain interpreter of views. `admit` says whether an event still counts for a slot (`slotOf`).
 */
export function deltasOf(
  events: readonly StoredEvent[],
  views: readonly AnyView[],
  catalog: ViewCatalog,
  shards: number,
  admit: (slot: number, offset: number) => boolean,
): Buffer[] {
  const writers = Array.from({ length: shards }, () => new DeltaWriter());
  for (const view of views) {
    const states = new Map<string, EntityState>();
    for (const { offset, timeMs, event } of events)
      for (const entity of entitiesOf(view, event)) {
        if (!admit(slotOf(entity, shards), offset)) continue;
        const state = contribution(view, event, timeMs, states.get(entity));
        if (state) states.set(entity, state);
      }
    const index = catalog.index(view);
    for (const [entity, state] of states) {
      const shard = shardOf(entity, shards);
      write(writers[shard] as DeltaWriter, view, index, Buffer.from(onlineKeyPrefix(view, shard)), Buffer.from(entity), state);
    }
  }
  return writers.map((writer) => joinDelta([writer.finish()]));
}

const nothing = new Uint8Array(0);

function write(writer: DeltaWriter, view: AnyView, index: number, prefix: Uint8Array, entity: Buffer, state: EntityState): void {
  if (view.storage === 'packed') {
    writer.value(index).key(prefix, entity, 0, entity.length);
    writePacked(writer, view, state as Record<string, Decayed>);
  } else if (view.storage === 'card') {
    const { timeMs, body } = state as Card;
    writer.value(index).key(prefix, entity, 0, entity.length).card(timeMs, body);
  } else if (keptAsLog(view)) {
    writer.value(index).key(prefix, entity, 0, entity.length).beginLog();
    for (const [member, score] of state as ReadonlyMap<string, number>) {
      const bytes = Buffer.from(member);
      writer.entry(view.storage === 'ranked' ? storedScore(score) : score, logLayoutOf(view).tag, bytes, 0, bytes.length);
    }
    writer.endLog();
  } else {
    const scores = state as ReadonlyMap<string, number>;
    writer.list(index, scores.size).key(prefix, entity, 0, entity.length);
    for (const [member, score] of scores) {
      const bytes = Buffer.from(member);
      writer.whole(view.storage === 'ranked' ? storedScore(score) : score).key(nothing, bytes, 0, bytes.length);
    }
  }
}

function writePacked(writer: DeltaWriter, view: PackedView<never>, columns: Readonly<Record<string, Decayed>>): void {
  const layout = layoutOf(view);
  const timeMs = Math.max(...Object.values(columns).map((c) => c.timeMs));
  const sums = new Float64Array(layout.doubles);
  for (const slot of layout.slots) {
    const column = columns[slot.name];
    if (!column) continue;
    if (slot.kind === 'lastWrite') sums.set([column.timeMs, column.value], slot.at);
    else sums[slot.at] = column.value * 2 ** ((column.timeMs - timeMs) / slot.halfLifeMs);
  }
  writer.packed(layout.fingerprint, timeMs, sums, 0, layout.doubles);
}
