import { headerBytes, type LogLayout, layoutOf, logLayoutOf, type PackedSlot } from '#schemas/features/layout.ts';
import { type AnyView, fingerprint, keptAsLog } from '#schemas/features/view.ts';
import { entryHeader } from './key-log.ts';

/**
 * A delta travels as one flat MessagePack array, so that a merge is one argument and the script makes
 * no table for each entity. It is a list of sections, each beginning with the view's place in the catalog:
 *   packed  view, n, (key, bytes) × n               bytes as in `layout.ts`
 *   card    view, n, (key, bytes) × n               f64 timeMs, body
 *   ranked  view, n, key, (score, member) × n       score as `storedScore` of `layout.ts`
 *   log     view, n, (key, bytes) × n               entries as in `key-log.ts`, of all views that share the log of this one
 *   recent  view, n, key, (timeMs, member) × n
 * Scores and times are decimal text: most go to the store as they are.
 */
export interface DeltaPart {
  /** How many values of the array it holds. */
  readonly tokens: number;
  readonly bytes: Buffer;
}

/** One delta of several parts. */
export function joinDelta(parts: readonly DeltaPart[]): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 0xdd;
  head.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.tokens, 0),
    1,
  );
  return Buffer.concat([head, ...parts.map((part) => part.bytes)]);
}

/** What a merge must know of a view. */
export interface DescribedView {
  readonly storage: AnyView['storage'];
  /** Where ranked or recent keys are in a log. */
  readonly log: LogLayout | null;
  readonly fingerprint: number;
  /** Ranked and recent: most keys of an entity. */
  readonly capacity: number;
  /** Packed: the columns, and how many doubles they are. */
  readonly slots: readonly PackedSlot[];
  readonly doubles: number;
}

/** Views in a fixed order; the index in a delta refers to it. */
export class ViewCatalog {
  readonly views: readonly AnyView[];
  constructor(views: readonly AnyView[]) {
    this.views = views;
    const marks = new Map<string, AnyView>();
    for (const view of views.filter(keptAsLog)) {
      const mark = `${logLayoutOf(view).log}/${logLayoutOf(view).tag}`;
      const other = marks.get(mark);
      if (other && other !== view) throw new TypeError(`views ${other.name} and ${view.name} have one mark in their log: name one of them otherwise`);
      marks.set(mark, view);
    }
  }
  index(view: AnyView): number {
    const found = this.views.findIndex((v) => v.name === view.name && fingerprint(v) === fingerprint(view));
    if (found < 0) throw new TypeError(`view ${view.name} is not in the catalog`);
    return found;
  }
  describe(): DescribedView[] {
    return this.views.map((view) => {
      const { slots, doubles } = view.storage === 'packed' ? layoutOf(view) : { slots: [], doubles: 0 };
      const capacity = 'capacity' in view ? view.capacity : 0;
      return { storage: view.storage, log: keptAsLog(view) ? logLayoutOf(view) : null, fingerprint: fingerprint(view), capacity, slots, doubles };
    });
  }
}

const nothing: DeltaPart = { tokens: 0, bytes: Buffer.alloc(0) };
const newBytes = 4_096;
const dataOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
/** A burst must not keep its memory for ever. */
const keptBytes = 1 << 20;

/** Appends MessagePack to a growing buffer; only the forms that deltas need. */
export class DeltaWriter {
  #buffer = Buffer.allocUnsafe(newBytes);
  /** The same bytes: numbers are stored through it in one instruction. */
  #data = dataOf(this.#buffer);
  #at = 0;
  #tokens = 0;
  /** The open section of values: its view, where its n stands, and n so far. */
  #view = -1;
  #countAt = 0;
  #count = 0;
  /** Where the open log begins. */
  #logAt = 0;

  /** One more key of a packed view, of cards or of logs: key and bytes must follow. */
  value(viewIndex: number): this {
    if (this.#view !== viewIndex) {
      this.#close();
      this.#section(viewIndex, 0);
      this.#view = viewIndex;
    }
    this.#count++;
    return this;
  }

  /** An entity of a set: its key and n times score and member must follow. */
  list(viewIndex: number, n: number): this {
    this.#close();
    this.#section(viewIndex, n);
    return this;
  }

  #section(viewIndex: number, n: number): void {
    this.#room(7);
    this.#buffer[this.#at++] = 0xcc;
    this.#buffer[this.#at++] = viewIndex;
    this.#buffer[this.#at] = 0xce;
    this.#countAt = this.#at + 1;
    this.#data.setUint32(this.#countAt, n);
    this.#at += 5;
    this.#tokens += 2;
  }

  #close(): void {
    if (this.#view < 0) return;
    this.#data.setUint32(this.#countAt, this.#count);
    this.#view = -1;
    this.#count = 0;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#keep(grown);
  }

  #keep(buffer: Buffer<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#data = dataOf(buffer);
  }

  /** A string made of a prefix and UTF-8 bytes. Both are short: a loop costs less than a call. */
  key(prefix: Uint8Array, bytes: Uint8Array, from: number, to: number): this {
    const length = prefix.length + to - from;
    this.#room(length + 5);
    this.#header(length);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let i = 0; i < prefix.length; i++) buffer[at++] = prefix[i] as number;
    for (let i = from; i < to; i++) buffer[at++] = bytes[i] as number;
    this.#at = at;
    return this;
  }

  /** A row of a packed view as it is stored: `sums` from `from` on. */
  packed(fingerprint: number, epochMs: number, sums: Float64Array, from: number, doubles: number): void {
    this.#room(headerBytes + 8 * doubles + 5);
    this.#header(headerBytes + 8 * doubles);
    const data = this.#data;
    data.setUint32(this.#at, fingerprint, true);
    data.setFloat64(this.#at + 4, epochMs, true);
    let at = this.#at + headerBytes;
    for (let i = from; i < from + doubles; i++, at += 8) data.setFloat64(at, sums[i] as number, true);
    this.#at = at;
  }

  /** A card as it is stored: f64 time, body. */
  card(timeMs: number, body: string): this {
    const length = 8 + Buffer.byteLength(body);
    this.#room(length + 5);
    this.#header(length);
    this.#data.setFloat64(this.#at, timeMs, true);
    this.#buffer.write(body, this.#at + 8);
    this.#at += length;
    return this;
  }

  /** The entries of a log are about to follow. */
  beginLog(): this {
    this.#room(5);
    this.#header(0);
    this.#logAt = this.#at;
    return this;
  }

  /** One entry of a log. */
  entry(score: number, tag: number, bytes: Uint8Array, from: number, to: number): this {
    this.#room(entryHeader + to - from);
    const buffer = this.#buffer;
    this.#data.setFloat64(this.#at, score, true);
    this.#data.setUint16(this.#at + 8, tag, true);
    this.#data.setUint16(this.#at + 10, to - from, true);
    let at = this.#at + entryHeader;
    for (let i = from; i < to; i++) buffer[at++] = bytes[i] as number;
    this.#at = at;
    return this;
  }

  endLog(): void {
    this.#data.setUint32(this.#logAt - 4, this.#at - this.#logAt);
  }

  /** A whole number that is not negative, up to 2^53, as decimal text. */
  whole(value: number): this {
    this.#room(21);
    let digits = 1;
    for (let over = 10; over <= value; over *= 10) digits++;
    this.#header(digits);
    // In two halves: division is fast for 32-bit numbers.
    let high = Math.floor(value / 1e8);
    let low = value - high * 1e8;
    for (let i = this.#at + digits - 1, n = 0; i >= this.#at; i--, n++) {
      if (n === 8) low = high % 1e8;
      if (n === 8) high = Math.floor(high / 1e8);
      const next = (low / 10) | 0;
      this.#buffer[i] = 48 + low - next * 10;
      low = next;
    }
    this.#at += digits;
    return this;
  }

  // raw 32 (0xdb): Redis's cmsgpack reads every string form the same way
  #header(length: number): void {
    this.#buffer[this.#at] = 0xdb;
    this.#data.setUint32(this.#at + 1, length);
    this.#at += 5;
    this.#tokens++;
  }

  /** What was written, as its own buffer; the writer starts again. */
  finish(): DeltaPart {
    if (this.#tokens === 0) return nothing;
    this.#close();
    // Not `Buffer.from`: it fills with zeros first.
    const bytes = Buffer.allocUnsafeSlow(this.#at);
    this.#buffer.copy(bytes, 0, 0, this.#at);
    const part = { tokens: this.#tokens, bytes };
    if (this.#buffer.length > keptBytes) this.#keep(Buffer.allocUnsafe(newBytes));
    this.#at = 0;
    this.#tokens = 0;
    return part;
  }
}
