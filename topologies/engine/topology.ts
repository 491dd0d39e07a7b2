import type { OnlineStore } from '#infra/online/online.ts';
import type { EventContract, EventOf } from '#schemas/events/contract.ts';
import type { AnyView, FeatureView } from '#schemas/features/view.ts';
import type { HistoryTable } from '#schemas/tables/table.ts';
import type { Row } from './avro-reader.ts';
import type { Step } from './steps.ts';

/** Where accepted events go: rows of a history table, features of the online store, decisions that follow from these, or long work. */
export type Sink =
  | { readonly kind: 'rows'; readonly table: HistoryTable }
  | { readonly kind: 'features'; readonly views: readonly AnyView[] }
  | { readonly kind: 'decisions'; readonly decider: Decider }
  | { readonly kind: 'work'; readonly work: Work<Row> };

/** Decides about entities when something new was said of them. */
export interface Decider {
  /** The online topology of the same source that folds what is decided from: it is waited for. */
  readonly after: string;
  /** Field of the source that names the entity. */
  readonly entity: string;
  readonly contract: EventContract;
  /**
   * Events of the contract. An id that follows from what is decided about makes a decision count once:
   * the same question may be asked again after a crash, and the first answer in the log stands.
   */
  decide(entities: readonly string[], online: OnlineStore, atMs: number): Promise<readonly object[]>;
}

/** Long work that one record asks for. */
export interface Work<E> {
  /** Pieces that one process works on side by side. */
  readonly concurrency: number;
  /** Whose work it is, for fair turns. */
  owner(event: E): string;
  /** How much it will take, in any unit. */
  cost(event: E): number;
  /**
   * Does it to its end. May be called again for the same record after any failure or crash; `at` is told as the
   * protocol's steps begin.
   */
  run(event: E, signal: AbortSignal, at: (step: 'W2' | 'W3' | 'W4') => Promise<void>): Promise<void>;
}

export const work = <E>(value: Work<E>): Sink => ({ kind: 'work', work: value as unknown as Work<Row> });
export const rows = (table: HistoryTable): Sink => ({ kind: 'rows', table });
export const decisions = (decider: Decider): Sink => ({ kind: 'decisions', decider });
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
