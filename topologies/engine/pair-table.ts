import { emptied } from '#infra/bytes/wider.ts';

const leastPlaces = 1_024;

/**
 * Small numbers for pairs of small numbers, by open addressing. A place holds both and the number side by side:
 * a look is one line of memory, which is what it costs.
 */
export class PairTable {
  /** Four by place: first + 1, second, number, unused; a zero in front is free. */
  #places = new Int32Array(4 * leastPlaces);
  #count = 0;

  /** The pair's number, a new one for a pair that was not there. */
  number(first: number, second: number): number {
    const places = this.#places;
    const mask = places.length - 4;
    for (let i = (Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b)) & mask; ; i = (i + 4) & mask) {
      const found = places[i] as number;
      if (found === first + 1 && places[i + 1] === second) return places[i + 2] as number;
      if (found !== 0) continue;
      const number = this.#count++;
      places[i] = first + 1;
      places[i + 1] = second;
      places[i + 2] = number;
      if (this.#count * 8 > places.length) this.#grow();
      return number;
    }
  }

  clear(): void {
    if (this.#count > 0) this.#places = emptied(this.#places, 4 * this.#count, 4 * leastPlaces);
    this.#count = 0;
  }

  #grow(): void {
    const old = this.#places;
    const places = new Int32Array(old.length * 2);
    const mask = places.length - 4;
    for (let from = 0; from < old.length; from += 4) {
      if (old[from] === 0) continue;
      let i = (Math.imul((old[from] as number) - 1, 0x9e3779b1) ^ Math.imul(old[from + 1] as number, 0x85ebca6b)) & mask;
      while (places[i] !== 0) i = (i + 4) & mask;
      places.set(old.subarray(from, from + 3), i);
    }
    this.#places = places;
  }
}
