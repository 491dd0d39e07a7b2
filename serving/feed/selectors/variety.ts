import type { Selector } from '../../engine/pipeline.ts';
import { marginalRelevance } from '../../ranking/variety.ts';
import { unit, wholeDot } from '../../retrieval/directions.ts';
import type { Retrieval } from '../../retrieval/index-reader.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

/** So many of the best are considered for each item that is wanted. */
const considered = 6;

/** Topics and creators that differ, and videos that do not please the same viewers: an item like one before it waits. */
export const variety: Selector<FeedQuery, FeedCandidate> = {
  name: 'variety',
  select({ count, selection, retrieval, videos }, ranked) {
    const head = ranked.slice(0, considered * count);
    const labels = retrieval ? videos.labelsIn(retrieval.value) : null;
    const likeness = likenessIn(
      head,
      head.map((c) => labels?.get(c.video) ?? -1),
      retrieval?.value,
    );
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
function likenessIn(head: readonly FeedCandidate[], labels: readonly number[], retrieval: Retrieval | undefined): (a: number, b: number) => number {
  const dims = retrieval?.index.dims ?? 0;
  /** Of those that were chosen: each is compared with many. */
  const chosen: (Int32Array | undefined)[] = [];
  return (first, second) => {
    const [a, b] = [head[first] as FeedCandidate, head[second] as FeedCandidate];
    if (a.creator === b.creator) return 1;
    const topic = a.topic >= 0 && a.topic === b.topic ? 0.5 : 0;
    const [from, to] = [labels[first] as number, labels[second] as number];
    if (!retrieval || from < 0 || to < 0) return topic;
    const direction = chosen[second] ?? Int32Array.from(retrieval.directions.subarray(to * dims, (to + 1) * dims));
    chosen[second] = direction;
    return Math.max(topic, wholeDot(direction, retrieval.directions, from * dims) / unit ** 2);
  };
}
