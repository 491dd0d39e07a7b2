/**
 * What waits, by a small number that is given again once it is free. A Map would do, but for the memory: each time its
 * entries have come and gone it takes a new table, and the old one, which V8 keeps linked to the next, holds what it
 * once held. A Map that lives long so keeps everything that ever waited in it until the next full collection.
 */
export class Places<T extends object> {
  #values: (T | null)[] = [];
  #free: number[] = [];

  get size(): number {
    return this.#values.length - this.#free.length;
  }
  put(value: T): number {
    const at = this.#free.pop() ?? this.#values.length;
    this.#values[at] = value;
    return at;
  }
  /** Null where nothing waits. */
  take(at: number): T | null {
    const value = this.#values[at] ?? null;
    if (value === null) return null;
    this.#values[at] = null;
    this.#free.push(at);
    return value;
  }
  takeAll(): T[] {
    const all = this.#values.filter((value) => value !== null);
    this.#values = [];
    this.#free = [];
    return all;
  }
}
