import { murmur } from '#infra/bytes/murmur.ts';

/**
 * The dedupe window of one partition: which event ids occurred in the current and the previous
 * generation of offsets. A generation is `size` consecutive offsets, so the window is a function
 * of the log alone: [(floor(offset / size) - 1) * size, offset). Ids are held as 64-bit hashes;
 * among 500,000 ids two collide with a probability of about 7e-9.
 */
export class IdWindow {
  readonly #size: number;
  #generation = -1;
  #current = new HashSet();
  #previous = new HashSet();

  constructor(size: number) {
    this.#size = size;
  }

  /** Where reading must begin so that the window is complete at `offset`. */
  start(offset: number): number {
    return Math.max(0, (Math.floor(offset / this.#size) - 1) * this.#size);
  }

  /** True when the id of bytes [from, to) has not occurred in the window; it has from now on. */
  firstTime(offset: number, bytes: Uint8Array, from: number, to: number): boolean {
    const generation = Math.floor(offset / this.#size);
    if (generation !== this.#generation) this.#turn(generation);
    const h1 = murmur(bytes, from, to, 0x9747b28c, 0x5bd1e995);
    const h2 = murmur(bytes, from, to, 0x811c9dc5, 0x85ebca6b);
    if (this.#previous.has(h1, h2)) return false;
    return this.#current.add(h1, h2);
  }

  #turn(generation: number): void {
    const spare = this.#previous;
    spare.clear();
    if (generation === this.#generation + 1) {
      this.#previous = this.#current;
      this.#current = spare;
    } else {
      this.#current.clear();
    }
    this.#generation = generation;
  }
}

/** Open addressing over pairs of 32-bit numbers; (0, 0) marks an empty slot. */
class HashSet {
  #slots = new Int32Array(2 * 1024);
  #count = 0;

  has(h1: number, h2: number): boolean {
    return this.#find(this.#slots, h1, h2) < 0;
  }

  /** True when the pair was not there. */
  add(h1: number, h2: number): boolean {
    const at = this.#find(this.#slots, h1, h2);
    if (at < 0) return false;
    this.#slots[at] = h1;
    this.#slots[at + 1] = h2;
    if (++this.#count * 4 > this.#slots.length) this.#grow();
    return true;
  }

  clear(): void {
    if (this.#count > 0) this.#slots.fill(0);
    this.#count = 0;
  }

  /** Index of the free slot for the pair, or -1 when it is there. */
  #find(slots: Int32Array, h1: number, h2: number): number {
    const mask = slots.length / 2 - 1;
    for (let i = (h1 ^ Math.imul(h2, 0x9e3779b1)) & mask; ; i = (i + 1) & mask) {
      const a = slots[2 * i] as number;
      const b = slots[2 * i + 1] as number;
      if (a === 0 && b === 0) return 2 * i;
      if (a === h1 && b === h2) return -1;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Int32Array(old.length * 2);
    for (let i = 0; i < old.length; i += 2) {
      const h1 = old[i] as number;
      const h2 = old[i + 1] as number;
      if (h1 === 0 && h2 === 0) continue;
      const at = this.#find(slots, h1, h2);
      slots[at] = h1;
      slots[at + 1] = h2;
    }
    this.#slots = slots;
  }
}
