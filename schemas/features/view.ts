import type { Signal } from './signal.ts';

/**
 * A feature view is data: which entity, which events, which aggregate. Interpreters read it:
 * topologies fold events into the online store, jobs compute it as of a past moment (`as-of.ts`
 * event by event, `sql.ts` over whole tables), serving reads it now (`read.ts`).
 */

/** Packed column: a decayed sum of `value(event)`; an infinite half-life makes it a count. */
export interface DecayedColumn<E> {
  readonly aggregate: 'decayedSum';
  readonly halfLifeMs: number;
  readonly value: Signal<E>;
}
/** Packed column: `value(event)` of the newest event for which it is not null. */
export interface LastWriteColumn<E> {
  readonly aggregate: 'lastWrite';
  readonly value: Signal<E, number | null>;
}
export type PackedColumn<E> = DecayedColumn<E> | LastWriteColumn<E>;

/**
 * In a log of what was added, for lists that are written often and always read whole; it may grow to twice what
 * its keys take before it is made shorter. Views of one entity that name the same log share it: what an event says to all
 * of them is one write. Without `kept` a list is a sorted set, of which a part is read, or a single score.
 */
interface Kept {
  readonly log: string;
  /** A key seldom comes twice: events are not added up before they are written, each has an entry of its own. */
  readonly rare?: true;
}

interface ViewBase<E> {
  readonly name: string;
  readonly doc: string;
  /** The event field that names the entity; a list field contributes to each of its members. */
  readonly entity: (keyof E & string) | { readonly all: string };
}
/** One compact binary value per entity: a fixed row of columns. */
export interface PackedView<E, C extends string = string> extends ViewBase<E> {
  readonly storage: 'packed';
  readonly columns: Readonly<Record<C, PackedColumn<E>>>;
}
/** Per entity, keys ranked by a decayed sum of `value(event)`; values must not be negative. */
export interface RankedView<E> extends ViewBase<E> {
  readonly storage: 'ranked';
  readonly key: keyof E & string;
  readonly halfLifeMs: number;
  readonly capacity: number;
  readonly kept?: Kept;
  readonly value: Signal<E>;
}
/** Per entity, the latest distinct keys by event time. */
export interface RecentView<E> extends ViewBase<E> {
  readonly storage: 'recent';
  readonly key: keyof E & string;
  readonly capacity: number;
  readonly kept?: Kept;
  readonly when: (event: E) => boolean;
}
/** Per entity, one document; an empty body withdraws it. */
export interface CardView<E> extends ViewBase<E> {
  readonly storage: 'card';
  readonly body: (event: E) => string;
}
export type FeatureView<E> = PackedView<E> | RankedView<E> | RecentView<E> | CardView<E>;
// biome-ignore lint/suspicious/noExplicitAny: a view of any event; `value` is contravariant in it
export type AnyView = FeatureView<any>;
export type LogView = AnyView & { readonly storage: 'ranked' | 'recent'; readonly capacity: number; readonly kept: Kept };
export const keptAsLog = (view: AnyView): view is LogView => 'kept' in view && view.kept !== undefined;
// biome-ignore lint/suspicious/noExplicitAny: the same
export type AnyPackedView = PackedView<any>;

/** Columns `<signal>_<half-life name>` for every signal and half-life. */
export function decayed<E, S extends string, H extends string>(
  signals: Readonly<Record<S, Signal<E>>>,
  halfLives: Readonly<Record<H, number>>,
): Record<`${S}_${H}`, DecayedColumn<E>> {
  const columns: Record<string, DecayedColumn<E>> = {};
  for (const [signal, value] of Object.entries<Signal<E>>(signals))
    for (const [name, halfLifeMs] of Object.entries<number>(halfLives)) columns[`${signal}_${name}`] = { aggregate: 'decayedSum', halfLifeMs, value };
  return columns as Record<`${S}_${H}`, DecayedColumn<E>>;
}

const minuteMs = 60_000;
export const halfLife = { m30: 30 * minuteMs, h6: 360 * minuteMs, d1: 1440 * minuteMs, d14: 14 * 1440 * minuteMs, all: Infinity } as const;

/**
 * 32-bit FNV-1a of what decides a view's stored layout and meaning. It stands in front of packed
 * values and in the keys of the others: another version of a view is never misread.
 */
export function fingerprint(view: AnyView): number {
  const shape =
    view.storage === 'packed'
      ? Object.entries(view.columns).map(([name, c]) => [name, c.aggregate, c.aggregate === 'decayedSum' ? String(c.halfLifeMs) : ''])
      : view.storage === 'ranked'
        ? [view.key, view.halfLifeMs, 'log2 in steps of 2^-28', ...(keptAsLog(view) ? [view.kept.log] : [])]
        : view.storage === 'recent'
          ? [view.key, ...(keptAsLog(view) ? [view.kept.log] : [])]
          : [];
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify([view.name, view.storage, shape])) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}
