import { lanes } from '#schemas/features/layout.ts';
import type { AnyView, LogView } from '#schemas/features/view.ts';
import type { Members } from './key-log.ts';

/**
 * The online feature store: every key lives in one of a fixed number of virtual shards, and a
 * shard's deltas and its watermark move in one atomic step.
 */
export interface OnlineStore {
  readonly shards: number;
  /**
   * Records the layout at first start, and refuses with `layout-mismatch` when the store was made
   * with another number of shards or from another log.
   */
  open(layout: { readonly clusterId: string }): Promise<void>;
  /** The watermark of each shard. */
  watermarks(source: SourcePartition): Promise<Mark[]>;
  /**
   * Merges a delta and moves watermarks of the shard, of sources of one group, from `expected` to `to`: all or nothing.
   * `already`: all stood at `to`. `conflict`: some stood elsewhere, and nothing changed.
   */
  merge(shard: number, moves: readonly MarkMove[], delta: Buffer): Promise<'applied' | 'already' | 'conflict'>;
  /** Values of packed or card entities, null where there is none. One round trip. */
  values(view: AnyView, entities: readonly string[]): Promise<(Buffer | null)[]>;
  /** As `values`, and the listener is told of the next change of each, whether it has a value yet or not. */
  watchedValues(view: AnyView, entities: readonly string[]): Promise<(Buffer | null)[]>;
  /** Who is told of changes: one listener of each store object. */
  tell(listener: ChangeListener): void;
  /** Highest keys of a ranked or recent entity, best first, with their stored scores. */
  top(reads: readonly TopRead[]): Promise<{ keys: string[]; scores: number[] }[]>;
  /** How many keys a ranked or recent entity has, for each of them; of a long list no more than `enough` are counted. One round trip. */
  sizes(view: AnyView, entities: readonly string[], enough?: number): Promise<number[]>;
  /** The keys of one entity, to be asked for. */
  members(view: LogView, entity: string): Promise<Members>;
  close(): Promise<void>;
}

/** Who keeps values and wants to know which of them have changed. */
export interface ChangeListener {
  /**
   * Whether changes are told. It is set to false when they cannot be, and when everything may have changed: then no
   * value that was read before is known to stand, nor one whose reading had begun before.
   */
  told: boolean;
  /** A value that `watchedValues` gave is another now. It may come before the reading that it concerns is answered. */
  changed(view: string, entity: string): void;
}

/** Of each lane of a shard the next offset of a source that it lacks; 0 when it has none. */
export type Mark = readonly number[];
export const markAt = (offset: number): Mark => new Array<number>(lanes).fill(offset);

/** All lanes at one offset are written as that offset. */
export const writeMark = (mark: Mark): string => (mark.every((offset) => offset === mark[0]) ? String(mark[0]) : mark.join());
export function readMark(text: string | null): Mark {
  const offsets = (text ?? '0').split(',').map(Number);
  return offsets.length === lanes ? offsets : markAt(offsets[0] as number);
}

/** What the lane of a slot (`slotOf`) lacks from. */
export const offsetOf = (marks: readonly Mark[], slot: number): number => (marks[slot % marks.length] as Mark)[Math.floor(slot / marks.length)] as number;

export interface SourcePartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}
export interface MarkMove {
  readonly source: SourcePartition;
  readonly expected: Mark;
  readonly to: Mark;
}
export interface TopRead {
  readonly view: AnyView;
  readonly entity: string;
  readonly limit: number;
}
