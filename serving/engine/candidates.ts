/** How a candidate's way ended before anything was made of it: above these stand the filters, by their place. */
export const way = { goesOn: 0, narrowed: 1, dropped: 2 } as const;

const nowhere = -1;
/** 2^32 divided by it: neighbouring numbers come to lie far apart (Knuth, The Art of Computer Programming 3, 6.4). */
const goldenRatio = 0x9e3779b1;

/**
 * What sources offered for one request: candidates by place, with a column for each thing that stages say of them.
 * Most of a thousand candidates are dropped or narrowed away: an object for each of them would be most of what a
 * request fetches from memory and leaves to the garbage collector.
 */
export class Candidates {
  readonly limit: number;
  count = 0;
  /** What was offered, by its number. */
  readonly items: Int32Array;
  /** Every source that offered it: a bit for each, by the place of the source. */
  sources: Uint32Array;
  score: Float64Array;
  /** Where its way ended, see `way`. */
  readonly ways: Uint8Array;
  /** Places by their items, open addressing: a Map that is emptied drags its old tables along until the next full collection. */
  readonly #places: Int32Array;

  constructor(
    limit: number,
    { sources, score }: { readonly sources: Uint32Array; readonly score: Float64Array } = { sources: new Uint32Array(limit), score: new Float64Array(limit) },
  ) {
    this.limit = limit;
    this.items = new Int32Array(limit);
    this.sources = sources;
    this.score = score;
    this.ways = new Uint8Array(limit);
    this.#places = new Int32Array(2 ** Math.ceil(Math.log2(4 * limit + 1)));
  }

  /** Merges what each source offers by turns, so that no source crowds out another; what comes again is one candidate. */
  merge(offers: readonly ArrayLike<number>[]): void {
    const { limit, items, sources } = this;
    const places = this.#places.fill(nowhere);
    const mask = places.length - 1;
    let count = 0;
    const longest = offers.reduce((most, list) => Math.max(most, list.length), 0);
    for (let turn = 0; turn < longest; turn++)
      for (let s = 0; s < offers.length; s++) {
        const item = offers[s]?.[turn];
        if (item === undefined) continue;
        let slot = (Math.imul(item, goldenRatio) >>> 8) & mask;
        let known = places[slot] as number;
        while (known !== nowhere && items[known] !== item) known = places[(slot = (slot + 1) & mask)] as number;
        if (known !== nowhere) (sources[known] as number) |= 1 << s;
        else if (count < limit) {
          items[count] = item;
          sources[count] = 1 << s;
          places[slot] = count++;
        }
      }
    this.count = count;
    this.score.fill(0, 0, count);
    this.ways.fill(way.goesOn, 0, count);
  }
}
