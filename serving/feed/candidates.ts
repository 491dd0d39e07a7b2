import { rankingFeatures } from '#schemas/features/ranking.ts';
import { factWidth } from '../catalogue/video-table.ts';
import { Candidates } from '../engine/candidates.ts';
import { type NumberedViewer, nobody } from './numbered-viewer.ts';

/** As many candidates as a request scores. */
export const candidateLimit = 1_000;
export const rowWidth = rankingFeatures.length;
export const everyPlace = Int32Array.from({ length: candidateLimit }, (_, at) => at);
/** So many are kept for later requests: some 14 MB. */
const mostFree = 32;

const bytesOf = { score: 8 * candidateLimit, facts: 4 * factWidth * candidateLimit, sources: 4 * candidateLimit, features: 4 * rowWidth * candidateLimit };

/** What ranking reads and writes of candidates, in memory that the thread of the models sees too. */
export class RankedColumns {
  readonly memory: SharedArrayBuffer;
  readonly score: Float64Array;
  /** Facts of the videos, see `fact`. */
  readonly facts: Int32Array;
  /** The same memory, for what is a double. */
  readonly times: Float64Array;
  readonly sources: Uint32Array;
  /** Rows of features, `rowWidth` numbers each; those of the creator and of the moment only where candidates are scored. */
  readonly features: Float32Array;

  constructor(memory = new SharedArrayBuffer(bytesOf.score + bytesOf.facts + bytesOf.sources + bytesOf.features)) {
    this.memory = memory;
    this.score = new Float64Array(memory, 0, candidateLimit);
    this.facts = new Int32Array(memory, bytesOf.score, factWidth * candidateLimit);
    this.times = new Float64Array(memory, bytesOf.score, (factWidth / 2) * candidateLimit);
    this.sources = new Uint32Array(memory, bytesOf.score + bytesOf.facts, candidateLimit);
    this.features = new Float32Array(memory, bytesOf.score + bytesOf.facts + bytesOf.sources, rowWidth * candidateLimit);
  }

  copy(): RankedColumns {
    const copy = new RankedColumns();
    new Uint8Array(copy.memory).set(new Uint8Array(this.memory));
    return copy;
  }
}

/** Candidates of one request for the feed, with what stages read of each of them. */
export class FeedCandidates extends Candidates {
  #ranked: RankedColumns;
  /** The viewer by the same numbers; known once the candidates are. */
  viewer: NumberedViewer = nobody;
  /** The viewer's vector in the basis of the index; null where nothing is known of him. */
  taste: Float32Array | null = null;
  /** 1 for a video that the viewer has watched. */
  readonly seen = new Uint8Array(candidateLimit);

  constructor() {
    const ranked = new RankedColumns();
    super(candidateLimit, ranked);
    this.#ranked = ranked;
  }

  get ranked(): RankedColumns {
    return this.#ranked;
  }
  get facts(): Int32Array {
    return this.#ranked.facts;
  }
  get features(): Float32Array {
    return this.#ranked.features;
  }

  /** A thread that is late may still write where it was told to: from here on nobody reads there. */
  leave(): void {
    this.#ranked = this.#ranked.copy();
    this.sources = this.#ranked.sources;
    this.score = this.#ranked.score;
  }
}

/** Candidates that no request uses: made anew each time they would be most of what memory is allocated for. */
export class CandidatePool {
  readonly #free: FeedCandidates[] = [];

  take(): FeedCandidates {
    return this.#free.pop() ?? new FeedCandidates();
  }
  /** Nobody uses them any more. Those that are never given back are left to the garbage collector. */
  giveBack(candidates: FeedCandidates): void {
    if (this.#free.length < mostFree) this.#free.push(candidates);
  }
}
