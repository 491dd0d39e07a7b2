import { layoutOf } from '#schemas/features/layout.ts';
import { type AnyView, fingerprint } from '#schemas/features/view.ts';

/**
 * A shard's delta travels as one MessagePack array of operations, so that a flush is one argument:
 *   packed  [0, viewIndex, key, bytes]            bytes as in `layout.ts`
 *   ranked  [1, viewIndex, key, [logWeight, member, ...]]
 *   recent  [2, viewIndex, key, [timeMs as decimal text, member, ...]]
 *   card    [3, viewIndex, key, timeMs, body]
 */
export const op = { packed: 0, ranked: 1, recent: 2, card: 3 } as const;

/** Views in a fixed order; the index in a delta refers to it. */
export class ViewCatalog {
  readonly views: readonly AnyView[];
  constructor(views: readonly AnyView[]) {
    this.views = views;
  }
  index(view: AnyView): number {
    const found = this.views.findIndex((v) => v.name === view.name && fingerprint(v) === fingerprint(view));
    if (found < 0) throw new TypeError(`view ${view.name} is not in the catalog`);
    return found;
  }
  /** What the merge script must know of each view: pack format and half-life per double, or capacity. */
  describe(): { storage: string; doubles: number; halfLives: number[]; fingerprint: number; capacity: number }[] {
    return this.views.map((view) => {
      if (view.storage !== 'packed')
        return { storage: view.storage, doubles: 0, halfLives: [], fingerprint: 0, capacity: 'capacity' in view ? view.capacity : 0 };
      const layout = layoutOf(view);
      // 0 marks the time of a last-write register, -1 its value, Infinity a count.
      const halfLives = layout.slots.flatMap((slot) => (slot.kind === 'lastWrite' ? [0, -1] : [slot.halfLifeMs]));
      return { storage: view.storage, doubles: layout.doubles, halfLives, fingerprint: layout.fingerprint, capacity: 0 };
    });
  }
}

/** Appends MessagePack to a growing buffer; only the forms that deltas need. */
export class DeltaWriter {
  #buffer = Buffer.allocUnsafe(1 << 16);
  #at = 5;
  #count = 0;

  get empty(): boolean {
    return this.#count === 0;
  }
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
  operation(kind: number, viewIndex: number, length: number): this {
    this.#count++;
    this.#room(4);
    this.#buffer[this.#at++] = 0x90 | length;
    this.#buffer[this.#at++] = kind;
    this.#buffer[this.#at++] = 0xcc;
    this.#buffer[this.#at++] = viewIndex;
    return this;
  }
  /** A string made of an ASCII prefix and UTF-8 bytes. */
  key(prefix: string, bytes: Uint8Array, from: number, to: number): this {
    const length = prefix.length + to - from;
    this.#room(length + 5);
    this.#header(length);
    this.#at += this.#buffer.write(prefix, this.#at, 'latin1');
    this.#buffer.set(bytes.subarray(from, to), this.#at);
    this.#at += to - from;
    return this;
  }
  /** Space for raw bytes that the caller fills: returns the buffer and where to write. */
  bytes(length: number): { buffer: Buffer; at: number } {
    this.#room(length + 5);
    this.#header(length);
    const at = this.#at;
    this.#at += length;
    return { buffer: this.#buffer, at };
  }
  // raw 32 (0xdb): Redis's cmsgpack reads every string form the same way
  #header(length: number): void {
    this.#buffer[this.#at] = 0xdb;
    this.#buffer.writeUInt32BE(length, this.#at + 1);
    this.#at += 5;
  }
  /** ASCII text. */
  text(text: string): this {
    this.#room(text.length + 5);
    this.#header(text.length);
    this.#at += this.#buffer.write(text, this.#at, 'latin1');
    return this;
  }
  array(length: number): this {
    this.#room(5);
    this.#buffer[this.#at] = 0xdd;
    this.#buffer.writeUInt32BE(length, this.#at + 1);
    this.#at += 5;
    return this;
  }
  number(value: number): this {
    this.#room(9);
    this.#buffer[this.#at] = 0xcb;
    this.#buffer.writeDoubleBE(value, this.#at + 1);
    this.#at += 9;
    return this;
  }
  /** The delta so far as its own buffer; the writer starts again. */
  finish(): Buffer {
    this.#buffer[0] = 0xdd;
    this.#buffer.writeUInt32BE(this.#count, 1);
    const delta = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#at = 5;
    this.#count = 0;
    return delta;
  }
}
