import { wholeDot } from './dot.ts';
import { type Retrieval, unit } from './index-reader.ts';

/** So little is no interaction. */
const least = 0.05;
/** What trained vectors call one interaction, see `jobs/vectors/pairs.ts`. */
const oneAnswer = 4;
const most = 3;

/** A viewer's vector from what he answered well lately: the same as training would give, within a millisecond. Null when nothing is known. */
export function tasteOf({ foldIn, places }: Retrieval, videos: ReadonlyMap<string, number>): Float32Array | null {
  const items: number[] = [];
  const weights: number[] = [];
  for (const [id, worth] of videos) {
    const place = places.get(id);
    if (place === undefined || worth < least) continue;
    items.push(place);
    weights.push(Math.min(most, worth / oneAnswer));
  }
  return items.length === 0 ? null : foldIn.user(Int32Array.from(items), Float32Array.from(weights));
}

/** Length of the viewer's direction: finer than the videos', for there is only one of it. */
const fine = 32_767;

/** Cosines of a viewer's vector and of videos' by their labels, 0 for a label of -1; none at all when the viewer is unknown. */
export function similaritiesTo(retrieval: Retrieval | undefined, taste: Float32Array | null, labels: Int32Array): Float32Array {
  const length = Math.hypot(...(taste ?? []));
  if (!retrieval || !taste || length === 0) return new Float32Array(0);
  // Whole numbers on both sides: they are multiplied without a conversion, and 32 bits have room for the sum.
  const own = Int32Array.from(taste, (t) => Math.round((t / length) * fine));
  const { directions } = retrieval;
  const cosines = new Float32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (label >= 0) cosines[i] = wholeDot(own, directions, label * own.length) / (fine * unit);
  }
  return cosines;
}
