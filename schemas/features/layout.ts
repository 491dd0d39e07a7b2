import { type AnyView, fingerprint, keptAsLog, type LogView, type PackedView } from './view.ts';

/**
 * Bytes of a packed value, little-endian:
 *   u32 fingerprint | f64 timeMs | per column: decayedSum f64 value, lastWrite f64 timeMs + f64 value
 * All decayed sums of an entity are expressed at the one `timeMs`.
 */
export const headerBytes = 12;

export interface PackedSlot {
  readonly name: string;
  readonly kind: 'decayedSum' | 'lastWrite';
  readonly halfLifeMs: number;
  /** Index of the first of its doubles after the header. */
  readonly at: number;
}
export interface PackedLayout {
  readonly fingerprint: number;
  readonly slots: readonly PackedSlot[];
  readonly doubles: number;
  readonly bytes: number;
}

/** Parts of a shard that are merged one by one, each with its own mark: a long delta holds the store only lane by lane. */
export const lanes = 16;

/** A ranked score is stored as a whole number of these steps of log2: a weight is off by 1.3e-9 of itself at most. */
export const scoreSteps = 2 ** 28;
export const storedScore = (logWeight: number): number => Math.max(0, Math.round(logWeight * scoreSteps));

const layouts = new WeakMap<object, PackedLayout>();

export function layoutOf(view: PackedView<never> | AnyView): PackedLayout {
  if (view.storage !== 'packed') throw new TypeError(`view ${view.name} is ${view.storage}, not packed`);
  const known = layouts.get(view);
  if (known) return known;
  let at = 0;
  const slots = Object.entries(view.columns).map(([name, column]): PackedSlot => {
    const slot = { name, kind: column.aggregate, halfLifeMs: column.aggregate === 'decayedSum' ? column.halfLifeMs : 0, at };
    at += column.aggregate === 'decayedSum' ? 1 : 2;
    return slot;
  });
  const layout = { fingerprint: fingerprint(view as AnyView), slots, doubles: at, bytes: headerBytes + 8 * at };
  layouts.set(view, layout);
  return layout;
}

/** A view's part of a log that several share. */
export interface LogLayout {
  readonly storage: LogView['storage'];
  readonly capacity: number;
  readonly log: string;
  /** What its entries are marked with, 16 bits: another version of a view has another. */
  readonly tag: number;
}

const logLayouts = new WeakMap<object, LogLayout>();

export function logLayoutOf(view: LogView): LogLayout {
  const known = logLayouts.get(view);
  if (known) return known;
  const layout = { storage: view.storage, capacity: view.capacity, log: view.kept.log, tag: fingerprint(view) & 0xffff };
  logLayouts.set(view, layout);
  return layout;
}

/** Of the bytes of an entry (`key-log.ts`). */
const logFormat = 1;

/** Online key of an entity of a view; views that share a log share it. The hash tag keeps one shard's keys on one Redis node. */
export function onlineKey(view: AnyView, shard: number, entity: string): string {
  return onlineKeyPrefix(view, shard) + entity;
}
export function onlineKeyPrefix(view: AnyView, shard: number): string {
  if (keptAsLog(view)) return `{s${shard}}:${view.kept.log}:log${logFormat}:`;
  // Packed values and cards carry the fingerprint inside, so that one MGET finds every version.
  const version = view.storage === 'ranked' || view.storage === 'recent' ? `${fingerprint(view).toString(16)}:` : '';
  return `{s${shard}}:${view.name}:${version}`;
}

/** View and entity of the key of a packed value or a card. */
export function entityOfKey(key: string): { view: string; entity: string } {
  const begin = key.indexOf('}:') + 2;
  const end = key.indexOf(':', begin);
  return { view: key.slice(begin, end), entity: key.slice(end + 1) };
}

export const fnvSeed = 0x811c9dc5;
export const fnvPrime = 0x01000193;

/** Virtual shard of an entity: FNV-1a over its UTF-8 bytes, folded, modulo the number of shards. */
export function shardOf(entity: string, shards: number): number {
  return hashBytes(Buffer.from(entity), shards);
}
/** Shard and lane in one number: `slot % shards` is the shard, `slot / shards` the lane. */
export const slotOf = (entity: string, shards: number): number => shardOf(entity, shards * lanes);
export function hashBytes(bytes: Uint8Array, shards: number, from = 0, to = bytes.length): number {
  const hash = fnv1a(bytes, from, to);
  return ((hash ^ (hash >>> 15)) >>> 0) % shards;
}

/** 32-bit FNV-1a, as a signed number. */
export function fnv1a(bytes: Uint8Array, from: number, to: number): number {
  let hash = fnvSeed | 0;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), fnvPrime);
  return hash;
}
