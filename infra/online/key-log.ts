import { fnv1a, fnvPrime, fnvSeed, type LogLayout, scoreSteps } from '#schemas/features/layout.ts';
import { addLogWeights } from '#schemas/features/monoids.ts';
import type { AnyView } from '#schemas/features/view.ts';

/**
 * Keys of one entity as a log: entries one behind the other, in the order of their merges, little-endian:
 *   f64 score | u16 tag of the view | u16 bytes of the key | key
 * A score is what a sorted set would hold: of a ranked view `storedScore` of `layout.ts`, and a key's weight is the sum of
 * its entries; of a recent view a time, and the latest counts. An entry with an empty key in front is the note of the last
 * compaction (`merge.lua`): its score is the length in bytes at which the next one is due.
 */
export const entryHeader = 12;

/** What a score is divided by when it is read. */
export const stepOf = ({ storage }: Pick<AnyView, 'storage'>): number => (storage === 'ranked' ? scoreSteps : 1);

/** Which of many keys one entity has. */
export interface Members {
  /** 1 for each key that it has, 0 for the others. */
  among(keys: readonly string[]): Uint8Array;
}

/** What one view has in a log that was read. */
export class KeyLog implements Members {
  readonly #layout: LogLayout;
  readonly #bytes: Buffer;

  constructor(layout: LogLayout, bytes: Buffer | null) {
    this.#layout = layout;
    this.#bytes = bytes ?? empty;
  }

  /** All keys with their scores. */
  scores(): Map<string, number> {
    const step = stepOf(this.#layout);
    const combine = this.#layout.storage === 'ranked' ? addLogWeights : Math.max;
    const { tag } = this.#layout;
    const bytes = this.#bytes;
    const scores = new Map<string, number>();
    for (let at = 0, end = 0; at < bytes.length; at = end) {
      const begin = at + entryHeader;
      end = begin + shortAt(bytes, begin - 2);
      if (shortAt(bytes, begin - 4) !== tag || end === begin) continue;
      const key = bytes.toString('utf8', begin, end);
      const score = bytes.readDoubleLE(at) / step;
      const before = scores.get(key);
      scores.set(key, before === undefined ? score : combine(before, score));
    }
    return scores;
  }

  /** The best keys with their scores; of equal scores the key with the greater bytes first. */
  best(limit: number): { keys: string[]; scores: number[] } {
    const best = bestFirst(this.scores()).slice(0, Math.min(limit, this.#layout.capacity));
    return { keys: best.map(([key]) => key), scores: best.map(([, score]) => score) };
  }

  /** Makes no string of an entry unless it hashes like one of `keys`: a log may hold thousands that nobody asks for. */
  among(keys: readonly string[]): Uint8Array {
    const found = new Uint8Array(keys.length);
    const bytes = this.#bytes;
    if (bytes.length === 0) return found;
    const wanted = new Wanted(keys);
    const { tag } = this.#layout;
    for (let at = 0; at < bytes.length; ) {
      const begin = at + entryHeader;
      at = begin + shortAt(bytes, begin - 2);
      if (shortAt(bytes, begin - 4) !== tag || at === begin) continue;
      const hash = fnv1a(bytes, begin, at);
      for (let place = wanted.first(hash); place >= 0; place = wanted.next(place)) {
        const key = wanted.at(place, hash);
        if (key >= 0 && keys[key] === bytes.toString('utf8', begin, at)) found[key] = 1;
      }
    }
    return found;
  }
}

const shortAt = (bytes: Buffer, at: number): number => (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
const empty = Buffer.alloc(0);

/** Keys by the 32-bit FNV-1a of their UTF-8 bytes; open addressing. */
class Wanted {
  readonly #hashes: Int32Array;
  /** 1 + place of a key; 0 where there is none. */
  readonly #keys: Int32Array;
  readonly #mask: number;

  constructor(keys: readonly string[]) {
    const size = 2 ** Math.ceil(Math.log2(2 * keys.length + 2));
    this.#hashes = new Int32Array(size);
    this.#keys = new Int32Array(size);
    this.#mask = size - 1;
    for (let k = 0; k < keys.length; k++) {
      const hash = hashText(keys[k] as string);
      let place = this.#home(hash);
      while (this.#keys[place] !== 0) place = (place + 1) & this.#mask;
      this.#hashes[place] = hash;
      this.#keys[place] = k + 1;
    }
  }

  // FNV's low bits alone are poor for short keys.
  #home(hash: number): number {
    return (hash ^ (hash >>> 15)) & this.#mask;
  }

  /** Where to begin to look for a hash; negative when there is nothing. */
  first(hash: number): number {
    const place = this.#home(hash);
    return this.#keys[place] === 0 ? -1 : place;
  }

  next(place: number): number {
    const next = (place + 1) & this.#mask;
    return this.#keys[next] === 0 ? -1 : next;
  }

  /** The key at a place if it has this hash, else -1. */
  at(place: number, hash: number): number {
    return this.#hashes[place] === hash ? (this.#keys[place] as number) - 1 : -1;
  }
}

/** `fnv1a` of a text's UTF-8 bytes; most ids are ASCII. */
function hashText(text: string): number {
  let hash = fnvSeed | 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) {
      const bytes = Buffer.from(text);
      return fnv1a(bytes, 0, bytes.length);
    }
    hash = Math.imul(hash ^ code, fnvPrime);
  }
  return hash;
}

/** By score, and as a sorted set of Redis does where scores are equal. */
export const bestFirst = (scores: ReadonlyMap<string, number>): [key: string, score: number][] =>
  [...scores].sort(([ka, a], [kb, b]) => b - a || Buffer.compare(Buffer.from(kb), Buffer.from(ka)));

export const membersOf = (keys: Iterable<string>): Members => {
  const set = new Set(keys);
  return { among: (asked) => Uint8Array.from(asked, (key) => +set.has(key)) };
};
