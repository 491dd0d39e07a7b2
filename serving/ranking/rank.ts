import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { signalWeights } from '#schemas/config/signal-weights.ts';
import { trust } from '#schemas/features/heuristic.ts';
import { fillMoment, rankingFeatures } from '#schemas/features/ranking.ts';
import { type Narrower, type Scorer, within } from '../engine/pipeline.ts';
import type { FeedCandidates } from '../feed/candidates.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { sourceBit } from '../feed/source-bits.ts';
import { heuristicScorer } from './heuristic.ts';
import type { Predictions, Ranker } from './ranker.ts';
import { type Narrowing, narrowed, rankedMost, type Scoring, scored } from './stages.ts';

/** How long a stage may take; then the heuristic answers. */
const budgetMs = 60;
const none = new Int32Array(0);

const trusted = ({ ranker }: FeedQuery): number => trust(ranker?.manifest.counts['rows'] ?? 0);

function narrowing(query: FeedQuery, c: FeedCandidates, kept: Int32Array): Narrowing {
  const { retrieval, videos, nowMs, seed, selection } = query;
  const { topics, topicsAvoided, creators, follows } = c.viewer;
  return {
    kept,
    labels: retrieval && c.taste ? videos.labelsOf(retrieval.value, c.items, kept) : none,
    viewer: { topics, topicsAvoided, creators, follows },
    taste: c.taste,
    directions: retrieval?.value.directions ?? null,
    topics: videos.topics,
    nowMs,
    seed,
    mandatory: selection.slots.reduce((bits, { source }) => bits | sourceBit(source), 0),
    trusted: trusted(query),
  };
}

function scoring(query: FeedQuery, candidates: readonly FeedCandidate[]): Scoring {
  const moment = new Float32Array(rankingFeatures.length);
  fillMoment(moment, query.viewer.packed, query.nowMs, query.position);
  return { places: Int32Array.from(candidates, (c) => c.at), moment, seed: query.seed, trusted: trusted(query) };
}

/** What the ranker says; null when there is none, and when it fails or is late, which is counted. */
async function byRanker<A>(telemetry: Telemetry, { ranker, turn, candidates }: FeedQuery, work: (ranker: Ranker) => Promise<A>): Promise<A | null> {
  if (!ranker) return null;
  try {
    const answer = await within(budgetMs, work(ranker.value));
    await turn();
    return answer;
  } catch {
    telemetry.count('foryou_ranker_failures_total', {});
    candidates.leave();
    return null;
  }
}

/** Of many candidates the pre-ranker chooses those that the ranker looks at, and those that a later stage must have pass. */
export const preRank = (telemetry: Telemetry): Narrower<FeedQuery, FeedCandidates> => ({
  name: 'pre-ranker',
  async choose(query, c, kept) {
    const ask = narrowing(query, c, kept);
    const places = kept.length > rankedMost ? await byRanker(telemetry, query, (ranker) => ranker.narrow(c.ranked, ask)) : null;
    return places ?? narrowed(c.ranked, ask, null);
  },
});

/**
 * Scores by the loaded ranker: the expected worth of showing the video. Without a ranker, or when it fails,
 * the heuristic answers, and the response says so.
 */
export const rank = (telemetry: Telemetry): Scorer<FeedQuery, FeedCandidate> => ({
  name: 'rank',
  async score(query, list) {
    const { candidates, explain } = query;
    const ask = scoring(query, list);
    const predicted = list.length > 0 ? await byRanker(telemetry, query, (ranker) => ranker.score(candidates.ranked, ask, explain)) : null;
    if (!predicted) await scored(candidates.ranked, ask, null);
    for (const c of list) c.score = candidates.score[c.at] as number;
    if (!predicted) return heuristicScorer;
    if (explain) for (const [i, c] of list.entries()) c.outcomes = outcomesAt(predicted, i);
    return `ranker@${query.ranker?.version}+weights@${signalWeights.version}`;
  },
});

const outcomesAt = (predicted: Predictions, i: number): Record<string, number> =>
  Object.fromEntries(Object.entries(predicted).map(([name, column]) => [name, column[i] as number]));
