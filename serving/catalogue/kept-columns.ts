import type { OnlineStore } from '#infra/online/online.ts';
import type { Rates } from '#schemas/features/ranking.ts';
import { columnNames, decayColumns, readPacked } from '#schemas/features/read.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';

const perBlock = 1_024;

/** Where the store does not tell of changes, everything may be so old; where it does, what it told of and nobody fetched again. */
const freshMs = 2_000;
/** What changed is fetched again ahead of the next request, if one asked for it within so long. */
const wantedMs = 10_000;
/** So much at once: decoding it keeps the process busy for a millisecond or two. */
const refreshedAtOnce = 512;
/** Sums are brought forward after so long: nothing beside the half-lives. */
const decayEveryMs = 4_000;
/** Per row: when it was fetched, until when it stands, the moment that its sums are of, when it was asked for, and the count of changes at its last one. */
const [fetchedAt, untilAt, asOfAt, askedAt, changedAt, momentWidth] = [0, 1, 2, 3, 4, 5];

/**
 * Packed columns of many entities and the shares that follow from them. They are fetched again once the store has told
 * of a change, in the background: a request waits for what nobody asked for before. Rows lie behind each other in a few large arrays: a request reads a thousand of them, and an array of its
 * own for each would be a thousand places in memory more.
 */
export class KeptColumns {
  readonly #view: AnyPackedView;
  readonly #rates: Rates;
  readonly #ids: string[] = [];
  readonly #blocks: Float32Array[] = [];
  readonly #moments: Float64Array[] = [];
  readonly #columns: number;
  readonly #width: number;
  readonly #fetched: Float64Array;
  #told: boolean;
  /** Changes that were told so far, and the rows that they concerned and that were not fetched since. */
  #changes = 0;
  #due = new Set<number>();

  /** `told`: whether the store tells of changes. */
  constructor(view: AnyPackedView, rates: Rates, told: boolean) {
    this.#told = told;
    this.#view = view;
    this.#rates = rates;
    this.#columns = columnNames(view).length;
    this.#width = this.#columns + rates.count;
    this.#fetched = new Float64Array(this.#columns);
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Makes room for an entity; returns its row. */
  add(id: string): number {
    const row = this.#ids.push(id) - 1;
    if (row % perBlock === 0) {
      this.#blocks.push(new Float32Array(perBlock * this.#width));
      const moments = new Float64Array(perBlock * momentWidth);
      for (let at = 0; at < moments.length; at += momentWidth) moments.fill(Number.NEGATIVE_INFINITY, at + fetchedAt, at + asOfAt);
      this.#moments.push(moments);
    }
    this.#follow(row);
    return row;
  }

  #follow(row: number): void {
    const block = this.#blocks[(row / perBlock) | 0] as Float32Array;
    const from = (row % perBlock) * this.#width;
    this.#rates.fill(block, from, block, from + this.#columns);
  }

  get told(): boolean {
    return this.#told;
  }
  /** While it is false, and for what was fetched before it became true again, anything may have changed unheard. */
  set told(value: boolean) {
    this.#told = value;
    this.#changes++;
    this.#due.clear();
    for (let row = 0; row < this.#ids.length; row++) this.#noLonger(row);
  }

  /** The store has another value of a row now; undefined for an entity that has none here. */
  changed(row: number | undefined): void {
    if (row === undefined) return;
    this.#changes++;
    this.#noLonger(row);
    this.#due.add(row);
  }

  /** Fetches what changed and is still wanted. */
  async refresh(online: OnlineStore, nowMs: number): Promise<void> {
    const rows = new Set<number>();
    for (const row of this.#due) {
      if (rows.size === refreshedAtOnce) break;
      this.#due.delete(row);
      const [moments, at] = this.#momentsOf(row);
      if (nowMs - (moments[at + askedAt] as number) < wantedMs) rows.add(row);
    }
    if (rows.size > 0) await this.fetch(online, rows, nowMs);
  }

  #noLonger(row: number): void {
    const [moments, at] = this.#momentsOf(row);
    moments[at + changedAt] = this.#changes;
    moments[at + untilAt] = Math.min(moments[at + untilAt] as number, (moments[at + fetchedAt] as number) + freshMs);
  }

  #momentsOf(row: number): [moments: Float64Array, at: number] {
    return [this.#moments[(row / perBlock) | 0] as Float64Array, (row % perBlock) * momentWidth];
  }

  /**
   * Writes the columns and shares of entities to rows of features, `width` numbers each: of the first entity to the
   * row at the first of `places`, and so on; as of nothing seen where nothing was fetched.
   */
  copy(rows: Int32Array, into: Float32Array, width: number, places: Int32Array, nowMs: number): void {
    const count = places.length;
    for (let i = 0; i < count; i++) this.#bringForward(rows[i] as number, nowMs);
    const { columnsAt, at } = this.#rates;
    const [columns, all] = [this.#columns, this.#width];
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      const block = this.#blocks[(row / perBlock) | 0] as Float32Array;
      const from = (row % perBlock) * all;
      const to = (places[i] as number) * width;
      for (let k = 0; k < columns; k++) into[to + columnsAt + k] = block[from + k] as number;
      for (let k = columns; k < all; k++) into[to + at + k - columns] = block[from + k] as number;
    }
  }

  #bringForward(row: number, nowMs: number): void {
    const moments = this.#moments[(row / perBlock) | 0] as Float64Array;
    const at = (row % perBlock) * momentWidth + asOfAt;
    const elapsedMs = nowMs - (moments[at] as number);
    if (elapsedMs < decayEveryMs) return;
    decayColumns(this.#view, this.#blocks[(row / perBlock) | 0] as Float32Array, (row % perBlock) * this.#width, elapsedMs);
    this.#follow(row);
    moments[at] = nowMs;
  }

  /** A request wants a row. Returns whether it has to be fetched for that. */
  isMissing(row: number, nowMs: number): boolean {
    const moments = this.#moments[(row / perBlock) | 0] as Float64Array;
    const at = (row % perBlock) * momentWidth;
    moments[at + askedAt] = nowMs;
    return nowMs >= (moments[at + untilAt] as number);
  }

  /** Those of the first rows that a request has to fetch. */
  missing(rows: Int32Array, count: number, nowMs: number): ReadonlySet<number> {
    const missing = new Set<number>();
    for (let i = 0; i < count; i++) if (this.isMissing(rows[i] as number, nowMs)) missing.add(rows[i] as number);
    return missing;
  }

  /** Fetches rows, all in one round trip. */
  async fetch(online: OnlineStore, rows: ReadonlySet<number>, nowMs: number): Promise<void> {
    if (rows.size === 0) return;
    const list = [...rows];
    const ids = list.map((row) => this.#ids[row] as string);
    for (const row of list) this.#due.delete(row);
    // A change that is told while the answer is on its way may be one that the answer lacks.
    const [told, changes] = [this.#told, this.#changes];
    const values = told ? await online.watchedValues(this.#view, ids) : await online.values(this.#view, ids);
    for (let i = 0; i < list.length; i++) {
      const row = list[i] as number;
      readPacked(this.#view, values[i], nowMs, this.#fetched);
      (this.#blocks[(row / perBlock) | 0] as Float32Array).set(this.#fetched, (row % perBlock) * this.#width);
      this.#follow(row);
      const [moments, at] = this.#momentsOf(row);
      const stands = told && (moments[at + changedAt] as number) <= changes;
      moments[at + fetchedAt] = nowMs;
      moments[at + asOfAt] = nowMs;
      moments[at + untilAt] = nowMs + (stands ? Number.POSITIVE_INFINITY : freshMs);
    }
  }
}
