import type { Log, LogRecord } from '#infra/log/log.ts';
import type { ViewCatalog } from '#infra/online/delta.ts';
import type { OnlineStore } from '#infra/online/online.ts';
import type { SchemaRegistry } from '#infra/registry/registry.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';

/** What the engine is given: ports, never adapters. */
export interface Services {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly warehouse: Warehouse;
  readonly online: OnlineStore;
  readonly catalog: ViewCatalog;
  readonly telemetry: Telemetry;
  readonly settings: EngineSettings;
  /**
   * Called as each numbered step of a commit protocol begins. Fault tests stop the process here;
   * in production it does nothing.
   */
  readonly at?: (step: ProtocolStep, detail: string) => Promise<void>;
}

export interface EngineSettings {
  /** Offsets per generation of the dedupe window. */
  readonly dedupeGeneration: number;
  /** Shortest time between two flushes of the online sink, in milliseconds. */
  readonly flushMs: number;
  /** A delta of a shard that is longer is merged lane by lane, in bytes. */
  readonly mergeBytes: number;
  /** At most this many records are folded at a time, over all partitions of a process. */
  readonly foldRecords: number;
  /** Longest time that rows wait for a larger insert, in milliseconds. */
  readonly insertMs: number;
  /** At most this many records in one insert. */
  readonly insertRecords: number;
  /** What is gathered for one insert goes once it is so long, in bytes. */
  readonly insertBytes: number;
}

/** Steps of the commit protocols as ARCHITECTURE.md numbers them. */
export type ProtocolStep = 'H1' | 'H2' | 'H3' | 'H4' | 'H5' | 'O1' | 'O2' | 'O3' | 'O4' | 'O5' | 'D1' | 'D2' | 'D3' | 'D4' | 'W1' | 'W2' | 'W3' | 'W4' | 'W5';

/** How a partition's accepted records reach their store. One instance serves one assignment of one partition. */
export interface PartitionSink<R> {
  /** The offset to read from. */
  start(): Promise<number>;
  /** How many of the pending records make the next batch; 0 to wait for more. */
  cut(pending: readonly { readonly offset: number }[]): number;
  add(row: R, record: LogRecord): void;
  rejected(record: DeadRecord): void;
  /** Whether what was added up to `end` should be flushed now, given where the log ends. */
  ripe(end: number, logEnd: number): boolean;
  /** Makes [first, end) durable and moves the marks; may be called again after `unavailable`. */
  flush(first: number, end: number): Promise<void>;
  /** False when the store's marks moved without us, for example because it was emptied. */
  stillThere?(): Promise<boolean>;
}

export interface DeadRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly offset: number;
  readonly reason: string;
  readonly cause: string;
}

/** The sink's marks are not where this assignment left them: start again from the store's own. */
export class Rewind extends Error {}
