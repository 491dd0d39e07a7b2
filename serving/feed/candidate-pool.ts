import { rankingFeatures } from '#schemas/features/ranking.ts';
import { found } from '../engine/pipeline.ts';
import type { FeedCandidate } from './query.ts';

const width = rankingFeatures.length;
const perBlock = 512;
/** So many blocks are kept for later requests: some 12 MB. */
const mostFree = 64;

/**
 * Candidates with their rows of features, used again by later requests. A request takes a thousand and gives them
 * back at its end: made anew each time they would be most of what the garbage collector stops the process for.
 */
export class CandidatePool {
  readonly #free: FeedCandidate[][] = [];

  /** The candidates of one request. */
  begin(): Candidates {
    const blocks: FeedCandidate[][] = [];
    let used = perBlock;
    return {
      take: (id) => {
        if (used === perBlock) {
          blocks.push(this.#free.pop() ?? makeBlock());
          used = 0;
        }
        return cleared((blocks.at(-1) as FeedCandidate[])[used++] as FeedCandidate, id);
      },
      release: () => {
        for (const block of blocks.splice(0)) if (this.#free.length < mostFree) this.#free.push(block);
        used = perBlock;
      },
    };
  }
}

export interface Candidates {
  /** A candidate that nothing is known of. */
  take(id: string): FeedCandidate;
  /** Nobody uses a candidate of this request any more. Those that are never released are left to the garbage collector. */
  release(): void;
}

function makeBlock(): FeedCandidate[] {
  const rows = new Float32Array(perBlock * width);
  return Array.from({ length: perBlock }, (_, i) => ({
    id: '',
    sources: [],
    score: 0,
    video: null,
    card: null,
    seenAt: null,
    features: rows.subarray(i * width, (i + 1) * width),
    reason: '',
    propensity: 1,
    drawPlace: 0,
    scorer: '',
    outcomes: null,
    fate: found,
  }));
}

function cleared(c: FeedCandidate, id: string): FeedCandidate {
  c.id = id;
  c.sources.length = 0;
  c.score = 0;
  c.video = null;
  c.card = null;
  c.seenAt = null;
  c.features.fill(0);
  c.reason = '';
  c.propensity = 1;
  c.drawPlace = 0;
  c.scorer = '';
  c.outcomes = null;
  c.fate = found;
  return c;
}
