import { type Card, type Decayed, decayedSum, lastWrite, latestCard, latestN, topK } from './monoids.ts';
import type { AnyView, FeatureView, PackedView } from './view.ts';

/** Value of one entity of a view: columns of a packed view, keys with weights, keys, or a document. */
export type FeatureValue = Record<string, number> | Map<string, number> | string[] | string;

export function entitiesOf(view: AnyView, event: Record<string, unknown>): string[] {
  if (typeof view.entity === 'object') return [view.entity.all];
  const value = event[view.entity];
  return (Array.isArray(value) ? value : [String(value ?? '')]).filter((entity) => entity !== '');
}

/**
 * The jobs' interpreter: every entity of a view as of `asOfMs`, from events in any order. An event
 * after `asOfMs` contributes nothing, so no value knows the future.
 */
export function computeAsOf<E extends object>(
  view: FeatureView<E>,
  events: Iterable<E>,
  timeOf: (event: E) => number,
  asOfMs: number,
): Map<string, FeatureValue> {
  const states = new Map<string, EntityState>();
  for (const event of events) {
    const timeMs = timeOf(event);
    if (timeMs > asOfMs) continue;
    for (const entity of entitiesOf(view, event as Record<string, unknown>)) {
      const state = contribution(view, event, timeMs, states.get(entity));
      if (state) states.set(entity, state);
    }
  }
  return new Map([...states].map(([entity, state]) => [entity, finish(view, state, asOfMs)]));
}

/** What is known of an entity before it is read: by column, by key, or a document. */
export type EntityState = Record<string, Decayed> | ReadonlyMap<string, number> | Card;

/** The state of one entity after one more event; undefined while nothing was said of it. */
export function contribution<E>(view: FeatureView<E>, event: E, timeMs: number, before: EntityState | undefined): EntityState | undefined {
  switch (view.storage) {
    case 'packed':
      return packedContribution(view, event, timeMs, before as Record<string, Decayed> | undefined);
    case 'ranked': {
      const value = view.value(event);
      const key = String(event[view.key]);
      if (value <= 0 || key === '') return before;
      const monoid = topK(view.halfLifeMs);
      return monoid.merge((before as Map<string, number>) ?? monoid.empty, monoid.of(timeMs, [key, value]));
    }
    case 'recent': {
      const key = String(event[view.key]);
      if (!view.when(event) || key === '') return before;
      const monoid = latestN(view.capacity);
      return monoid.merge((before as Map<string, number>) ?? monoid.empty, monoid.of(timeMs, key));
    }
    case 'card':
      return latestCard.merge((before as Card) ?? latestCard.empty, latestCard.of(timeMs, view.body(event)));
  }
}

function packedContribution<E>(
  view: PackedView<E>,
  event: E,
  timeMs: number,
  before: Record<string, Decayed> | undefined,
): Record<string, Decayed> | undefined {
  let state = before;
  for (const [name, column] of Object.entries(view.columns)) {
    const value = column.value(event);
    if (value === null || (value === 0 && column.aggregate === 'decayedSum')) continue;
    const monoid = column.aggregate === 'lastWrite' ? lastWrite : decayedSum(column.halfLifeMs);
    state ??= {};
    state[name] = monoid.merge(state[name] ?? monoid.empty, monoid.of(timeMs, value));
  }
  return state;
}

/** The value of a state as of a moment that is not before its newest event. */
export function finish(view: AnyView, state: EntityState, asOfMs: number): FeatureValue {
  switch (view.storage) {
    case 'packed': {
      const sums = state as Record<string, Decayed>;
      return Object.fromEntries(
        Object.entries(view.columns).map(([name, column]) => {
          const monoid = column.aggregate === 'lastWrite' ? lastWrite : decayedSum(column.halfLifeMs);
          return [name, monoid.read(sums[name] ?? monoid.empty, asOfMs)];
        }),
      );
    }
    case 'ranked':
      return topK(view.halfLifeMs).read(state as Map<string, number>, asOfMs);
    case 'recent':
      return latestN(view.capacity).read(state as Map<string, number>, asOfMs);
    case 'card':
      return latestCard.read(state as Card, asOfMs);
  }
}
