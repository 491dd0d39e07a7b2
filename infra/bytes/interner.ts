import { hashBytes, lanes } from '#schemas/features/layout.ts';
import { murmur } from './murmur.ts';
import { emptied, wider } from './wider.ts';

const leastPlaces = 1_024;

/**
 * Gives each distinct byte string a small number, so that a fold can address arrays instead of
 * making a JavaScript string per record. It lives as long as one batch: memory stays bounded.
 */
export class Interner {
  readonly #shards: number;
  /** Open addressing, two by place: hash, id + 1; a zero is free. */
  #places = new Int32Array(2 * leastPlaces);
  #starts = new Int32Array(513);
  #slotOf = new Int32Array(512);
  #bytes = Buffer.allocUnsafe(8192);
  count = 0;

  constructor(shards: number) {
    this.#shards = shards;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }
  start(id: number): number {
    return this.#starts[id] as number;
  }
  /** Where the string belongs in the online store, as `slotOf` says. */
  slot(id: number): number {
    return this.#slotOf[id] as number;
  }

  clear(): void {
    if (this.count > 0) this.#places = emptied(this.#places, 2 * this.count, 2 * leastPlaces);
    this.count = 0;
  }

  /** Bytes of memory that it holds. */
  get held(): number {
    return this.#places.byteLength + this.#starts.byteLength + this.#slotOf.byteLength + this.#bytes.byteLength;
  }

  idOfString(text: string): number {
    const bytes = Buffer.from(text);
    return this.id(bytes, 0, bytes.length);
  }

  id(bytes: Uint8Array, from: number, length: number): number {
    const hash = murmur(bytes, from, from + length, 0, 0x5bd1e995);
    const places = this.#places;
    const mask = places.length - 2;
    for (let i = (hash << 1) & mask; ; i = (i + 2) & mask) {
      const id = (places[i + 1] as number) - 1;
      if (id < 0) return this.#insert(i, hash, bytes, from, length);
      if (places[i] === hash && this.#same(id, bytes, from, length)) return id;
    }
  }

  #same(id: number, bytes: Uint8Array, from: number, length: number): boolean {
    const start = this.#starts[id] as number;
    if ((this.#starts[id + 1] as number) - start !== length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[from + i]) return false;
    return true;
  }

  #insert(place: number, hash: number, bytes: Uint8Array, from: number, length: number): number {
    const id = this.count++;
    const start = id === 0 ? 0 : (this.#starts[id] as number);
    if (start + length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, start + length));
      this.#bytes.copy(grown, 0, 0, start);
      this.#bytes = grown;
    }
    for (let i = 0; i < length; i++) this.#bytes[start + i] = bytes[from + i] as number;
    this.#places[place] = hash;
    this.#places[place + 1] = id + 1;
    this.#starts[id] = start;
    this.#starts[id + 1] = start + length;
    this.#slotOf[id] = hashBytes(this.#bytes, this.#shards * lanes, start, start + length);
    if (this.count * 4 >= this.#places.length) this.#grow();
    return id;
  }

  #grow(): void {
    const old = this.#places;
    const places = new Int32Array(old.length * 2);
    const mask = places.length - 2;
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue;
      let i = ((old[from] as number) << 1) & mask;
      while (places[i + 1] !== 0) i = (i + 2) & mask;
      places[i] = old[from] as number;
      places[i + 1] = old[from + 1] as number;
    }
    this.#places = places;
    this.#starts = wider(this.#starts, Int32Array, places.length / 4 + 1, 0);
    this.#slotOf = wider(this.#slotOf, Int32Array, places.length / 4, 0);
  }
}
