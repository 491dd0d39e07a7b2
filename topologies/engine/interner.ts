import { hashBytes } from '#schemas/features/layout.ts';

/**
 * Gives each distinct byte string a small number, so that a fold can address arrays instead of
 * making a JavaScript string per record. It lives as long as one batch: memory stays bounded.
 */
export class Interner {
  readonly #shards: number;
  #slots = new Int32Array(1024).fill(-1);
  #hashes = new Int32Array(512);
  #starts = new Int32Array(513);
  #shardOf = new Uint16Array(512);
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
  shard(id: number): number {
    return this.#shardOf[id] as number;
  }

  clear(): void {
    this.#slots.fill(-1);
    this.count = 0;
  }

  idOfString(text: string): number {
    const bytes = Buffer.from(text);
    return this.id(bytes, 0, bytes.length);
  }

  id(bytes: Uint8Array, from: number, length: number): number {
    let hash = length | 0;
    for (let i = from; i < from + length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x5bd1e995);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const id = this.#slots[i] as number;
      if (id < 0) return this.#insert(i, hash, bytes, from, length);
      if (this.#hashes[id] === hash && this.#same(id, bytes, from, length)) return id;
    }
  }

  #same(id: number, bytes: Uint8Array, from: number, length: number): boolean {
    const start = this.#starts[id] as number;
    if ((this.#starts[id + 1] as number) - start !== length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[from + i]) return false;
    return true;
  }

  #insert(slot: number, hash: number, bytes: Uint8Array, from: number, length: number): number {
    const id = this.count++;
    const start = id === 0 ? 0 : (this.#starts[id] as number);
    if (start + length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, start + length));
      this.#bytes.copy(grown, 0, 0, start);
      this.#bytes = grown;
    }
    for (let i = 0; i < length; i++) this.#bytes[start + i] = bytes[from + i] as number;
    this.#slots[slot] = id;
    this.#hashes[id] = hash;
    this.#starts[id] = start;
    this.#starts[id + 1] = start + length;
    this.#shardOf[id] = hashBytes(this.#bytes, this.#shards, start, start + length);
    if (this.count * 2 >= this.#slots.length) this.#grow();
    return id;
  }

  #grow(): void {
    const size = this.#slots.length * 2;
    this.#hashes = grow(this.#hashes, Int32Array, size / 2);
    this.#starts = grow(this.#starts, Int32Array, size / 2 + 1);
    this.#shardOf = grow(this.#shardOf, Uint16Array, size / 2);
    this.#slots = new Int32Array(size).fill(-1);
    for (let id = 0; id < this.count; id++) {
      let i = (this.#hashes[id] as number) & (size - 1);
      while ((this.#slots[i] as number) >= 0) i = (i + 1) & (size - 1);
      this.#slots[i] = id;
    }
  }
}

function grow<A extends Int32Array | Uint16Array>(old: A, Type: new (length: number) => A, length: number): A {
  const grown = new Type(length + 1);
  grown.set(old);
  return grown;
}
