import type { OnlineStore } from '#infra/online/online.ts';
import type { Rates } from '#schemas/features/ranking.ts';
import { columnNames, readPacked } from '#schemas/features/read.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';

const perBlock = 1_024;

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
  readonly #atMs: Float64Array[] = [];
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
      this.#atMs.push(new Float64Array(perBlock).fill(Number.NEGATIVE_INFINITY));
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

  isFresh(row: number, freshMs: number, nowMs: number): boolean {
    return nowMs - ((this.#atMs[(row / perBlock) | 0] as Float64Array)[row % perBlock] as number) < freshMs;
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
      (this.#atMs[block] as Float64Array)[row % perBlock] = nowMs;
    }
  }
}

/** Where the columns of one entity are. */
export interface Kept {
  readonly columns: KeptColumns;
  readonly row: number;
}

/** What a request needs and is older than `freshMs` is fetched: requests of one moment share most of theirs. */
export class Stale {
  readonly #freshMs: number;
  readonly #nowMs: number;
  readonly #rows = new Map<KeptColumns, Set<number>>();

  constructor(freshMs: number, nowMs: number) {
    this.#freshMs = freshMs;
    this.#nowMs = nowMs;
  }
  need({ columns, row }: Kept): void {
    if (columns.isFresh(row, this.#freshMs, this.#nowMs)) return;
    const rows = this.#rows.get(columns);
    if (rows) rows.add(row);
    else this.#rows.set(columns, new Set([row]));
  }
  async fetch(online: OnlineStore): Promise<void> {
    await Promise.all([...this.#rows].map(([columns, rows]) => columns.fetch(online, rows, this.#nowMs)));
  }
}
