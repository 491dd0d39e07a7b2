import avro from 'avsc';
import { joinDelta, type ViewCatalog } from '#infra/online/delta.ts';
import { markAt, type OnlineStore } from '#infra/online/online.ts';
import { avroOf } from '#schemas/events/avro.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { computeAsOf, type FeatureValue } from '#schemas/features/as-of.ts';
import { readLogWeight } from '#schemas/features/monoids.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import type { AnyView, FeatureView, PackedView } from '#schemas/features/view.ts';
import { engagementViews } from '#schemas/features/views/engagement.ts';
import { compileReader, newRow } from './avro-reader.ts';
import { Fold } from './fold.ts';
import { admitAll } from './fold-chunk.ts';

const type = avro.Type.forSchema(avroOf(engagement) as avro.Schema);

/** Folds events, cut into the given batches, into a store as a topology would. */
export async function foldInto(store: OnlineStore, catalog: ViewCatalog, batches: readonly (readonly Engagement[])[], group: string): Promise<void> {
  const fold = new Fold(engagement, engagementViews as readonly AnyView[], catalog, store.shards);
  const read = compileReader(engagement, avroOf(engagement));
  const row = newRow(engagement);
  let offset = 0;
  for (const batch of batches) {
    for (const event of batch) {
      const body = type.toBuffer(event);
      if (read?.(body, 0, body.length, row) !== 0) throw new Error('the event was not read');
      fold.add(row, event.occurredAt, offset, admitAll);
    }
    const deltas = fold.deltas();
    const end = offset + batch.length;
    for (let shard = 0; shard < store.shards; shard++) {
      const delta = joinDelta(deltas.filter((_part, slot) => slot % store.shards === shard));
      const outcome = await store.merge(shard, [{ source: { group, topic: 'engagement', partition: 0 }, expected: markAt(offset), to: markAt(end) }], delta);
      if (outcome !== 'applied') throw new Error(`shard ${shard}: ${outcome}`);
    }
    offset = end;
  }
}

/** What the store says of every entity that the as-of interpreter knows, in the same form. */
export async function readOnline(
  store: OnlineStore,
  view: AnyView,
  expected: ReadonlyMap<string, FeatureValue>,
  nowMs: number,
): Promise<Map<string, FeatureValue>> {
  const entities = [...expected.keys()];
  if (view.storage === 'packed') {
    const values = await store.values(view, entities);
    return new Map(entities.map((entity, i) => [entity, readPackedRow(view as PackedView<never>, values[i] ?? null, nowMs)]));
  }
  const tops = await store.top(entities.map((entity) => ({ view, entity, limit: 10_000 })));
  return new Map(
    entities.map((entity, i): [string, FeatureValue] => {
      const { keys, scores } = tops[i] as { keys: string[]; scores: number[] };
      if (view.storage === 'recent') return [entity, keys];
      const halfLifeMs = view.storage === 'ranked' ? view.halfLifeMs : 1;
      return [entity, new Map(keys.map((key, k) => [key, readLogWeight(scores[k] as number, nowMs, halfLifeMs)]))];
    }),
  );
}

/** The first difference between online and as-of over all views, or null. */
export async function firstDifference(store: OnlineStore, events: readonly Engagement[], nowMs: number): Promise<string | null> {
  for (const view of engagementViews as readonly FeatureView<Engagement>[]) {
    const expected = computeAsOf(view, events, (e) => e.occurredAt, nowMs);
    const online = await readOnline(store, view as AnyView, expected, nowMs);
    for (const [entity, value] of expected) {
      const found = online.get(entity);
      if (!near(value, found)) return `${view.name} of ${entity}: as-of ${show(value)}, online ${show(found)}`;
    }
  }
  return null;
}

const show = (value: unknown): string => JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value);

/** Equal up to rounding: sums were added in another order. */
export function near(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
  if (a instanceof Map && b instanceof Map) return a.size === b.size && [...a].every(([key, value]) => near(value, b.get(key)));
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => near(value, b[i]));
  if (a && b && typeof a === 'object' && typeof b === 'object') return Object.keys(a).every((key) => near((a as never)[key], (b as never)[key]));
  return a === b;
}
