import type { KnownVideo } from '../catalogue/catalogue.ts';
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
const zero = (): number => 0;

/** Cosine of a viewer's vector and a video's, as a function of the video; 0 when one of them is unknown. */
export function similarityTo(retrieval: Retrieval | undefined, taste: Float32Array | null): (video: KnownVideo | null) => number {
  const length = Math.hypot(...(taste ?? []));
  if (!retrieval || !taste || length === 0) return zero;
  // Whole numbers on both sides: they are multiplied without a conversion, and 32 bits have room for the sum.
  const own = Int32Array.from(taste, (t) => Math.round((t / length) * fine));
  const { directions, places } = retrieval;
  return (video) => {
    if (!video) return 0;
    if (video.placedIn !== retrieval) {
      video.place = places.get(video.id) ?? -1;
      video.placedIn = retrieval;
    }
    if (video.place < 0) return 0;
    const from = video.place * own.length;
    let dot = 0;
    for (let d = 0; d < own.length; d++) dot = (dot + Math.imul(own[d] as number, directions[from + d] as number)) | 0;
    return dot / (fine * unit);
  };
}
