import type { OnlineStore } from '#infra/online/online.ts';
import type { Rates } from '#schemas/features/ranking.ts';
import { columnNames, packedTime, readPacked } from '#schemas/features/read.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';

const perBlock = 1_024;

/**
 * What everybody does with a video, or with all of a creator's, may be so old: nothing beside the half-lives. What
 * nobody has touched since the last look is looked at half as often each time, which most of a catalogue is at any
 * moment.
 */
const fresh = { leastMs: 2_000, mostMs: 8_000 } as const;
/** Per row: until when it is fresh, for how long it was after the last fetch, and the event time that was stored then. */
const [untilAt, forAt, eventAt, momentWidth] = [0, 1, 2, 3];

/**
 * Packed columns of many entities and the shares that follow from them, each as of the moment when it was fetched. Rows lie behind each other in a few
 * large arrays: a request reads a thousand of them, and an array of its own for each would be a thousand places in
 * memory more.
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

  constructor(view: AnyPackedView, rates: Rates) {
    this.#view = view;
    this.#rates = rates;
    this.#columns = columnNames(view).length;
    this.#width = this.#columns + rates.count;
    this.#fetched = new Float64Array(this.#columns);
  }

  /** Makes room for an entity; returns its row. */
  add(id: string): number {
    const row = this.#ids.push(id) - 1;
    if (row % perBlock === 0) {
      this.#blocks.push(new Float32Array(perBlock * this.#width));
      this.#moments.push(new Float64Array(perBlock * momentWidth).fill(Number.NEGATIVE_INFINITY));
    }
    this.#follow(row);
    return row;
  }

  #follow(row: number): void {
    const block = this.#blocks[(row / perBlock) | 0] as Float32Array;
    const from = (row % perBlock) * this.#width;
    this.#rates.fill(block, from, block, from + this.#columns);
  }

  /** Writes the columns and shares of an entity to their places in a row of features; as of nothing seen while nothing was fetched. */
  copy(row: number, into: Float32Array): void {
    const block = this.#blocks[(row / perBlock) | 0] as Float32Array;
    const from = (row % perBlock) * this.#width;
    const { columnsAt, at } = this.#rates;
    for (let i = 0; i < this.#columns; i++) into[columnsAt + i] = block[from + i] as number;
    for (let i = this.#columns; i < this.#width; i++) into[at + i - this.#columns] = block[from + i] as number;
  }

  isFresh(row: number, nowMs: number): boolean {
    return nowMs < ((this.#moments[(row / perBlock) | 0] as Float64Array)[(row % perBlock) * momentWidth + untilAt] as number);
  }

  #fetchedAt(row: number, nowMs: number, eventMs: number): void {
    const moments = this.#moments[(row / perBlock) | 0] as Float64Array;
    const at = (row % perBlock) * momentWidth;
    const forMs = moments[at + eventAt] === eventMs ? Math.min(fresh.mostMs, 2 * (moments[at + forAt] as number)) : fresh.leastMs;
    moments[at + untilAt] = nowMs + forMs;
    moments[at + forAt] = forMs;
    moments[at + eventAt] = eventMs;
  }

  /** Fetches rows, all in one round trip. */
  async fetch(online: OnlineStore, rows: ReadonlySet<number>, nowMs: number): Promise<void> {
    const list = [...rows];
    const values = await online.values(
      this.#view,
      list.map((row) => this.#ids[row] as string),
    );
    for (let i = 0; i < list.length; i++) {
      const row = list[i] as number;
      const block = (row / perBlock) | 0;
      readPacked(this.#view, values[i], nowMs, this.#fetched);
      (this.#blocks[block] as Float32Array).set(this.#fetched, (row % perBlock) * this.#width);
      this.#follow(row);
      this.#fetchedAt(row, nowMs, packedTime(values[i]));
    }
  }
}

/** Where the columns of one entity are. */
export interface Kept {
  readonly columns: KeptColumns;
  readonly row: number;
}

/** What a request needs and is no longer fresh is fetched: requests of one moment share most of theirs. */
export class Stale {
  readonly #nowMs: number;
  readonly #rows = new Map<KeptColumns, Set<number>>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }
  need({ columns, row }: Kept): void {
    if (columns.isFresh(row, this.#nowMs)) return;
    const rows = this.#rows.get(columns);
    if (rows) rows.add(row);
    else this.#rows.set(columns, new Set([row]));
  }
  async fetch(online: OnlineStore): Promise<void> {
    await Promise.all([...this.#rows].map(([columns, rows]) => columns.fetch(online, rows, this.#nowMs)));
  }
}
