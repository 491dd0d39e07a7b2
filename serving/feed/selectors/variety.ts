import type { Selector } from '../../engine/pipeline.ts';
import { marginalRelevance } from '../../ranking/variety.ts';
import { wholeDot } from '../../retrieval/dot.ts';
import { type Retrieval, unit } from '../../retrieval/index-reader.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** So many of the best are considered for each item that is wanted. */
const considered = 6;

/** Topics and creators that differ, and videos that do not please the same viewers: an item like one before it waits. */
export const variety: Selector<FeedQuery, FeedCandidate> = {
  name: 'variety',
  select({ count, selection, retrieval }, ranked) {
    const head = ranked.slice(0, considered * count);
    const likeness = likenessIn(head, retrieval?.value);
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
function likenessIn(head: readonly FeedCandidate[], retrieval: Retrieval | undefined): (a: number, b: number) => number {
  // The second is the same for many of the first.
  let other = -1;
  const direction = new Int32Array(retrieval?.index.dims ?? 0);
  return (first, second) => {
    const [a, b] = [head[first] as FeedCandidate, head[second] as FeedCandidate];
    if (a.card?.creatorId === b.card?.creatorId) return 1;
    const topic = a.card?.topics[0] !== undefined && a.card.topics[0] === b.card?.topics[0] ? 0.5 : 0;
    if (!retrieval || a.label < 0 || b.label < 0) return topic;
    const dims = direction.length;
    if (other !== b.label) for (let d = 0; d < dims; d++) direction[d] = retrieval.directions[b.label * dims + d] as number;
    other = b.label;
    return Math.max(topic, wholeDot(direction, retrieval.directions, a.label * dims) / unit ** 2);
  };
}
