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

/** Candidates of one request for the feed, with what stages read of each of them. */
export class FeedCandidates extends Candidates {
  /** Facts of the videos, see `fact`. */
  readonly facts = new Int32Array(candidateLimit * factWidth);
  /** The same memory, for what is a double. */
  readonly times = new Float64Array(this.facts.buffer);
  /** The viewer by the same numbers; known once the candidates are. */
  viewer: NumberedViewer = nobody;
  /** 1 for a video that the viewer has watched. */
  readonly seen = new Uint8Array(candidateLimit);
  /** Rows of features, `rowWidth` numbers each; those of the creator and of the moment only where candidates are scored. */
  readonly features = new Float32Array(candidateLimit * rowWidth);

  constructor() {
    super(candidateLimit);
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
