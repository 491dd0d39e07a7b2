import type { Located } from '#infra/vectors/vectors.ts';
import { within } from '../engine/pipeline.ts';
import type { Retrieval } from './index-reader.ts';

/** So little is no interaction. */
const least = 0.05;
/** What trained vectors call one interaction, see `jobs/vectors/pairs.ts`. */
const oneAnswer = 4;
const most = 3;

/** How long a page waits for the vector. */
const budgetMs = 60;
/** So many videos nearest to a viewer's vector are found along with it. */
export const nearestToTaste = 300;

/** Where a viewer stands among the videos. */
export interface Taste {
  /** His vector, and for one whose vector is worth searching by the videos nearest to it: one call of the index's thread. */
  readonly located: Promise<Located>;
  /** The vector alone, worked out here: for when that thread is away, or busy with the next index. */
  vector(): Float32Array;
}

interface Answered {
  /** Videos answered well, with the decayed value of the answers. */
  readonly videos: ReadonlyMap<string, number>;
  readonly step: 'newcomer' | 'content' | 'vector';
}

/** A viewer's taste from what he answered well lately, the same as training would give; null when nothing is known of him. */
export function tasteOf({ index, foldIn, places }: Retrieval, { videos, step }: Answered): Taste | null {
  const labels: number[] = [];
  const weights: number[] = [];
  for (const [id, worth] of videos) {
    const place = places.get(id);
    if (place === undefined || worth < least) continue;
    labels.push(place);
    weights.push(Math.min(most, worth / oneAnswer));
  }
  if (labels.length === 0) return null;
  const answers = { labels: Int32Array.from(labels), weights: Float32Array.from(weights) };
  const located = within(budgetMs, index.locate(answers, step === 'vector' ? Math.min(index.count, nearestToTaste) : 0));
  // Who waits for it comes later, and hears of a failure then.
  located.catch(() => {});
  return { located, vector: () => foldIn.user(answers.labels, answers.weights) };
}
