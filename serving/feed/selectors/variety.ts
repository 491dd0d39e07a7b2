import type { Selector } from '../../engine/pipeline.ts';
import { marginalRelevance } from '../../ranking/variety.ts';
import { type Retrieval, unit } from '../../retrieval/index-reader.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** So many of the best are considered for each item that is wanted. */
const considered = 6;

/** Topics and creators that differ, and videos that do not please the same viewers: an item like one before it waits. */
export const variety: Selector<FeedQuery, FeedCandidate> = {
  name: 'variety',
  select({ count, selection, retrieval }, ranked) {
    const head = ranked.slice(0, considered * count);
    const likeness = (a: number, b: number) => likenessOf(head[a] as FeedCandidate, head[b] as FeedCandidate, retrieval?.value);
    const order = marginalRelevance(
      Float64Array.from(head, (c) => c.score),
      likeness,
      selection.variety,
      2 * count,
    );
    const chosen = new Set(order);
    return [...order.map((i) => head[i] as FeedCandidate), ...head.filter((_c, i) => !chosen.has(i)), ...ranked.slice(head.length)];
  },
};

/** 1 for one creator; otherwise the cosine of the videos' vectors where both are known, or what their topics say. */
function likenessOf(a: FeedCandidate, b: FeedCandidate, retrieval: Retrieval | undefined): number {
  if (a.card?.creatorId === b.card?.creatorId) return 1;
  const topic = a.card?.topics[0] !== undefined && a.card.topics[0] === b.card?.topics[0] ? 0.5 : 0;
  if (!retrieval || !a.video || !b.video || a.video.placedIn !== retrieval || b.video.placedIn !== retrieval) return topic;
  const [p, q] = [a.video.place, b.video.place];
  if (p < 0 || q < 0) return topic;
  const { directions, index } = retrieval;
  let dot = 0;
  for (let d = 0; d < index.dims; d++) dot += (directions[p * index.dims + d] as number) * (directions[q * index.dims + d] as number);
  return Math.max(topic, dot / unit ** 2);
}
