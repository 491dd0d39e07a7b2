import type { Retrieval } from './index-reader.ts';

/** So little is no interaction. */
const least = 0.05;
/** What trained vectors call one interaction, see `jobs/vectors/pairs.ts`. */
const unit = 4;
const most = 3;

/** A viewer's vector from what he answered well lately: the same as training would give, within a millisecond. Null when nothing is known. */
export function tasteOf({ foldIn, places }: Retrieval, videos: ReadonlyMap<string, number>): Float32Array | null {
  const items: number[] = [];
  const weights: number[] = [];
  for (const [id, worth] of videos) {
    const place = places.get(id);
    if (place === undefined || worth < least) continue;
    items.push(place);
    weights.push(Math.min(most, worth / unit));
  }
  return items.length === 0 ? null : foldIn.user(Int32Array.from(items), Float32Array.from(weights));
}

/** Cosine of a viewer's vector and a video's; 0 when one of them is unknown. */
export function similarity(retrieval: Retrieval | undefined, taste: Float32Array | null, id: string): number {
  const place = taste ? retrieval?.places.get(id) : undefined;
  if (!taste || !retrieval || place === undefined) return 0;
  const { items, norms } = retrieval;
  const from = place * taste.length;
  let dot = 0;
  let own = 0;
  for (let d = 0; d < taste.length; d++) {
    const t = taste[d] as number;
    dot += t * (items[from + d] as number);
    own += t * t;
  }
  const norm = Math.sqrt(own) * (norms[place] as number);
  return norm > 0 ? dot / norm : 0;
}
