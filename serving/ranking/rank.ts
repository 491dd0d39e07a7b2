import type { Loaded } from '#infra/artifacts/loader.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { signalWeights } from '#schemas/config/signal-weights.ts';
import { mixedWorth, trust } from '#schemas/features/heuristic.ts';
import { copyMoment, fillMoment, fillPair, rankingFeatures } from '#schemas/features/ranking.ts';
import { type Narrower, type Scorer, within } from '../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { similarityTo } from '../retrieval/taste.ts';
import { heuristicScore, heuristicScorer, jitter } from './heuristic.ts';
import { type Ranker, worthOf } from './ranker-reader.ts';

/** So many candidates the ranker looks at; when there are more, the pre-ranker chooses them. */
const ranked = 300;
/** How long a model may take; then the heuristic answers. */
const budgetMs = 60;

const nobody = { creatorId: '', topics: [], publishedAt: 0, durationMs: 0 };

/** What is known of each pair before creators are read: what a pre-ranker may use, and the heuristic needs. */
function fillPairs(query: FeedQuery, candidates: readonly FeedCandidate[]): void {
  const { viewer, nowMs } = query;
  const near = similarityTo(query.retrieval?.value, query.taste);
  for (let i = 0; i < candidates.length; i++) {
    const c = candidates[i] as FeedCandidate;
    fillPair(c.features, viewer, c.card ?? nobody, c.sources, near(c.video), nowMs);
  }
}

/** The rest of each row. */
function fillRest(query: FeedQuery, candidates: readonly FeedCandidate[]): void {
  const moment = new Float32Array(rankingFeatures.length);
  fillMoment(moment, query.viewer.packed, query.nowMs, query.position);
  for (let i = 0; i < candidates.length; i++) copyMoment(moment, (candidates[i] as FeedCandidate).features);
}

/** What a model says a candidate is worth, beside the heuristic as far as the model is not trusted yet. */
function mix(query: FeedQuery, { manifest }: Loaded<Ranker>, candidates: readonly FeedCandidate[], worth: ArrayLike<number>): void {
  const trusted = trust(manifest.counts['rows'] ?? 0);
  for (let i = 0; i < candidates.length; i++) {
    const c = candidates[i] as FeedCandidate;
    c.score = mixedWorth(worth[i] as number, c.features, trusted) + jitter(query, c);
  }
}

const rowsOf = (candidates: readonly FeedCandidate[]): Float32Array[] => candidates.map((c) => c.features);

/** Scores by what a model says of each candidate; when it has nothing to say, fails or is late, the heuristic answers, and it is counted. */
async function orHeuristic(
  telemetry: Telemetry,
  query: FeedQuery,
  candidates: readonly FeedCandidate[],
  byModel: (ranker: Loaded<Ranker>) => Promise<ArrayLike<number> | null>,
): Promise<boolean> {
  const { ranker } = query;
  try {
    const worth = ranker && candidates.length > 0 ? await within(budgetMs, byModel(ranker)) : null;
    await query.turn();
    if (ranker && worth) {
      mix(query, ranker, candidates, worth);
      return true;
    }
  } catch {
    telemetry.count('foryou_ranker_failures_total', {});
  }
  for (const c of candidates) c.score = heuristicScore(query, c);
  return false;
}

/** Of many candidates the pre-ranker chooses those that the ranker looks at, and those that a later stage must have pass. */
export const preRank = (telemetry: Telemetry): Narrower<FeedQuery, FeedCandidate> => ({
  name: 'pre-ranker',
  async choose(query, candidates) {
    fillPairs(query, candidates);
    if (candidates.length <= ranked) return candidates;
    await orHeuristic(telemetry, query, candidates, async (ranker) => {
      const { preRanker } = ranker.value;
      if (!preRanker) return null;
      return (await preRanker.predict(rowsOf(candidates)))['value'] as Float32Array;
    });
    const least = Float64Array.from(candidates, (c) => c.score).sort()[candidates.length - ranked] as number;
    const slots = query.selection.slots.map((slot) => slot.source);
    return candidates.filter((c) => c.score >= least || slots.some((source) => c.sources.includes(source)));
  },
});

/**
 * Scores by the loaded ranker: the expected worth of showing the video. Without a ranker, or when it fails,
 * the heuristic answers, and the response says so.
 */
export const rank = (telemetry: Telemetry): Scorer<FeedQuery, FeedCandidate> => ({
  name: 'rank',
  async score(query, candidates) {
    fillRest(query, candidates);
    let predicted: Record<string, Float32Array> = {};
    const learnt = await orHeuristic(telemetry, query, candidates, async (ranker) => {
      predicted = await ranker.value.model.predict(rowsOf(candidates));
      return worthOf(predicted, candidates.length);
    });
    if (learnt && query.explain)
      for (const [i, c] of candidates.entries())
        c.outcomes = Object.fromEntries(Object.entries(predicted).map(([name, column]) => [name, column[i] as number]));
    return learnt ? `ranker@${query.ranker?.version}+weights@${signalWeights.version}` : heuristicScorer;
  },
});
