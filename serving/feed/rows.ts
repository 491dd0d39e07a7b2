import { rankingFeatures } from '#schemas/features/ranking.ts';

const width = rankingFeatures.length;
const rowsPerBlock = 512;
/** So many blocks are kept for later requests: some 20 MB. */
const mostFree = 64;

/**
 * Memory for the rows of candidates. A request takes rows of a thousand candidates and gives them back at
 * its end: made anew each time they would be most of what the garbage collector stops for.
 */
export class RowPool {
  readonly #free: Float64Array[] = [];

  /** The rows of one request. */
  begin(): Rows {
    const blocks: Float64Array[] = [];
    let used = rowsPerBlock;
    return {
      take: () => {
        if (used === rowsPerBlock) {
          blocks.push(this.#free.pop() ?? new Float64Array(rowsPerBlock * width));
          used = 0;
        }
        const row = (blocks.at(-1) as Float64Array).subarray(used * width, (used + 1) * width);
        used++;
        return row.fill(0);
      },
      release: () => {
        for (const block of blocks.splice(0)) if (this.#free.length < mostFree) this.#free.push(block);
        used = rowsPerBlock;
      },
    };
  }
}

export interface Rows {
  /** A row of zeros. */
  take(): Float64Array;
  /** Nobody uses a row of this request any more. Rows that are never released are left to the garbage collector. */
  release(): void;
}
