import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { ForyouError } from '#infra/errors.ts';
import { type Matrix, matrixOf } from '../vectors/matrix.ts';
import type { Histories } from '../vectors/transitions.ts';

/** Names and numbers of users or items, in the order of their first appearance. */
export class Ids {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();
  get size(): number {
    return this.names.length;
  }
  /** The number of a name, given now if it has none. */
  add(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.names.length);
    this.names.push(name);
    return this.names.length - 1;
  }
  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }
}

/** Lists of items by user, in the order of the files. */
export type Lists = Map<string, string[]>;

/**
 * Reads `user<TAB>item` or `user item item ...` lines of one or several files. A first line
 * without a digit is a header. A user without an item is kept as one with an empty list.
 */
export async function readInteractions(files: readonly string[]): Promise<Lists> {
  const lists: Lists = new Map();
  for (const file of files) {
    await stat(file).catch((cause) => {
      throw new ForyouError('input-invalid', `cannot read ${file}`, { cause, fix: 'check the path' });
    });
    let row = 0;
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      row++;
      if (line.trim() === '' || (row === 1 && !/\d/.test(line))) continue;
      addLine(lists, line, file, row);
    }
  }
  return lists;
}

function addLine(lists: Lists, line: string, file: string, row: number): void {
  const cells = line.includes('\t') ? line.split('\t') : line.trim().split(/ +/);
  const bad = cells.findIndex((cell) => cell.trim() === '' || cell.includes('\0'));
  if (bad >= 0)
    throw new ForyouError('input-invalid', `${file}: row ${row}, column ${bad + 1} (${bad === 0 ? 'user' : 'item'}) is empty or not text`, {
      fix: 'write "user<TAB>item" or "user item item ..." lines',
    });
  const [user, ...items] = cells as [string, ...string[]];
  const list = lists.get(user);
  if (list) list.push(...items);
  else lists.set(user, items);
}

export interface Dataset {
  readonly users: Ids;
  readonly items: Ids;
  readonly histories: Histories;
  readonly matrix: Matrix;
}

/** Training data by number. `moreItems` are known without an interaction, for example from their features. */
export function datasetOf(lists: Lists, moreItems: readonly string[] = []): Dataset {
  const users = new Ids();
  const items = new Ids();
  const ordered = inTimeOrder(lists);
  const start: number[] = [0];
  const item: number[] = [];
  for (const [name, list] of lists) {
    users.add(name);
    for (const i of list) item.push(items.add(i));
    start.push(item.length);
  }
  for (const name of moreItems) items.add(name);
  const histories = { users: users.size, items: items.size, start: Int32Array.from(start), item: Int32Array.from(item), ordered };
  return { users, items, histories, matrix: interactionMatrix(histories) };
}

/** Each pair once, with weight 1. */
export function interactionMatrix(h: Histories): Matrix {
  const row = new Int32Array(h.item.length);
  for (let u = 0; u < h.users; u++) row.fill(u, h.start[u], h.start[u + 1]);
  const m = matrixOf(h.users, h.items, row, h.item, null);
  m.weight.fill(1);
  return m;
}

/** A file that lists each user's items by ascending id says nothing of time; almost any other order does. */
function inTimeOrder(lists: Lists): boolean {
  let ascending = 0;
  let pairs = 0;
  for (const list of lists.values())
    for (let i = 1; i < list.length; i++) {
      pairs++;
      if (Number(list[i - 1]) < Number(list[i])) ascending++;
    }
  return pairs > 0 && ascending < 0.9 * pairs;
}
