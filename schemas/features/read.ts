import { layoutOf } from './layout.ts';
import type { PackedView } from './view.ts';

/**
 * Serving's interpreter: the columns of a packed value as of `nowMs`, written into `into` from
 * `offset` on (one f64 per column, in definition order). A missing value and a value of another
 * version of the view both read as the default, 0.
 */
export function readPacked(view: PackedView<never>, value: Buffer | null | undefined, nowMs: number, into: Float64Array, offset = 0): void {
  const layout = layoutOf(view);
  if (!value || value.length !== layout.bytes || value.readUInt32LE(0) !== layout.fingerprint) {
    into.fill(0, offset, offset + layout.slots.length);
    return;
  }
  const ageMs = value.readDoubleLE(4) - nowMs;
  let lastHalfLife = 0;
  let factor = 1;
  for (let i = 0; i < layout.slots.length; i++) {
    const slot = layout.slots[i] as (typeof layout.slots)[number];
    const at = 12 + 8 * slot.at;
    if (slot.kind === 'lastWrite') {
      into[offset + i] = value.readDoubleLE(at + 8);
      continue;
    }
    if (slot.halfLifeMs !== lastHalfLife) {
      lastHalfLife = slot.halfLifeMs;
      factor = 2 ** (ageMs / lastHalfLife);
    }
    into[offset + i] = value.readDoubleLE(at) * factor;
  }
}

/** Brings columns forward in place: what `readPacked` would give `elapsedMs` later, with nothing in between. */
export function decayColumns(view: PackedView<never>, columns: Float32Array, offset: number, elapsedMs: number): void {
  const { slots } = layoutOf(view);
  let lastHalfLife = 0;
  let factor = 1;
  for (let i = 0; i < slots.length; i++) {
    const { kind, halfLifeMs } = slots[i] as (typeof slots)[number];
    if (kind === 'lastWrite') continue;
    if (halfLifeMs !== lastHalfLife) {
      lastHalfLife = halfLifeMs;
      factor = 2 ** (-elapsedMs / halfLifeMs);
    }
    columns[offset + i] = (columns[offset + i] as number) * factor;
  }
}

export const columnNames = <C extends string>(view: PackedView<never, C>): C[] => Object.keys(view.columns) as C[];

/** The same as an object: for single entities, pages and tests. */
export function readPackedRow<C extends string>(view: PackedView<never, C>, value: Buffer | null, nowMs: number): Record<C, number> {
  const names = columnNames(view);
  const row = new Float64Array(names.length);
  readPacked(view, value, nowMs, row);
  return Object.fromEntries(names.map((name, i) => [name, row[i] as number])) as Record<C, number>;
}
