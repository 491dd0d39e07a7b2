import { fact, factWidth } from '../catalogue/video-table.ts';
import { found } from '../engine/pipeline.ts';
import { type FeedCandidates, rowWidth } from './candidates.ts';
import type { FeedCandidate, FeedQuery } from './query.ts';

/** What is made of the candidates at some places; one that was removed since the filters saw it is left out. */
export function chosen(query: FeedQuery, c: FeedCandidates, places: Int32Array, sources: (at: number) => readonly string[]): FeedCandidate[] {
  const { videos, retrieval } = query;
  const labels = retrieval && videos.labelsIn(retrieval.value);
  const made: FeedCandidate[] = [];
  for (const at of places) {
    const video = c.items[at] as number;
    const card = videos.cards[video];
    if (!card) continue;
    made.push({
      id: videos.ids[video] as string,
      at,
      sources: sources(at),
      score: c.score[at] as number,
      scorer: '',
      fate: found,
      card,
      hash: c.facts[at * factWidth + fact.hash] as number,
      creator: c.facts[at * factWidth + fact.creator] as number,
      label: labels ? labels.get(video) : -1,
      seen: c.seen[at] === 1,
      features: c.features.subarray(at * rowWidth, (at + 1) * rowWidth),
      reason: '',
      propensity: 1,
      drawPlace: 0,
      outcomes: null,
    });
  }
  return made;
}
