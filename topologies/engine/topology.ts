import type { EventContract, EventOf } from '#schemas/events/contract.ts';
import type { AnyView, FeatureView } from '#schemas/features/view.ts';
import type { HistoryTable } from '#schemas/tables/table.ts';
import type { Step } from './steps.ts';

/** Where accepted events go: rows of a history table, or features of the online store. */
export type Sink = { readonly kind: 'rows'; readonly table: HistoryTable } | { readonly kind: 'features'; readonly views: readonly AnyView[] };

export const rows = (table: HistoryTable): Sink => ({ kind: 'rows', table });
export const features = <E>(views: readonly FeatureView<E>[]): Sink => ({ kind: 'features', views: views as readonly AnyView[] });

/** A topology is a value: one source, pure steps, one kind of sink, its own consumer group. */
export interface Topology {
  /** Also the name of its consumer group. */
  readonly name: string;
  readonly source: EventContract;
  readonly steps: readonly Step<never>[];
  readonly sink: Sink;
}

export function topology<C extends EventContract>(
  name: string,
  parts: { readonly source: C; readonly steps: readonly Step<EventOf<C>>[]; readonly sink: Sink },
): Topology {
  return { name, ...parts, steps: parts.steps as readonly Step<never>[] };
}
