import type { Loaded } from '#infra/artifacts/loader.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights } from '#schemas/config/signal-weights.ts';
import { copyMoment, fillDerived, fillMoment, fillPair, rankingFeature, rankingFeatures } from '#schemas/features/ranking.ts';
import type { Scorer } from '../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { similarity } from '../retrieval/taste.ts';
import { heuristicScore, heuristicScorer, noise } from './heuristic.ts';
import { type Ranker, worthOf } from './ranker-reader.ts';

/** So many candidates the ranker looks at; when there are more, the pre-ranker chooses them. */
const ranked = 300;
const ageHours = rankingFeature('ageHours');

const nobody = { creatorId: '', topics: [], publishedAt: 0, durationMs: 0 };

/** The whole row of each candidate, from what the hydrators left and what is known of the viewer. */
function fillRows(query: FeedQuery, candidates: readonly FeedCandidate[]): void {
  const { viewer, nowMs } = query;
  const moment = new Float64Array(rankingFeatures.length);
  fillMoment(moment, viewer.packed, nowMs, query.position);
  for (let i = 0; i < candidates.length; i++) {
    const c = candidates[i] as FeedCandidate;
    const { creatorId, topics, publishedAt, durationMs } = c.card ?? nobody;
    copyMoment(moment, c.features);
    const near = similarity(query.retrieval?.value, query.taste, c.id);
    fillPair(c.features, viewer, { creatorId, topics, publishedAt, durationMs, sources: c.sources, similarity: near }, nowMs);
    fillDerived(c.features);
  }
}

/** How far the ranker is trusted, by the impressions that it learnt from: the rest is the heuristic's. */
const trust = ({ manifest }: Loaded<Ranker>): number => {
  const rows = manifest.counts['rows'] ?? 0;
  return rows / (rows + h.asImpressions);
};

async function predictedWorth(query: FeedQuery, model: Ranker['model'], candidates: readonly FeedCandidate[]): Promise<Float64Array> {
  const predicted = await model.predict(candidates.map((c) => c.features));
  if (query.explain)
    for (const [i, c] of candidates.entries()) c.outcomes = Object.fromEntries(Object.entries(predicted).map(([name, column]) => [name, column[i] as number]));
  return worthOf(predicted, candidates.length);
}

/** Scores of all candidates, each by the ranker or, when there are many, by the pre-ranker and behind those that the ranker saw. */
async function scoresOf(query: FeedQuery, ranker: Loaded<Ranker>, candidates: readonly FeedCandidate[]): Promise<Float64Array> {
  const { model, preRanker } = ranker.value;
  const share = trust(ranker);
  const mixed = (worth: ArrayLike<number>, i: number): number => {
    const c = candidates[i] as FeedCandidate;
    const fresh = h.fresh * 2 ** (-(c.features[ageHours] as number) / h.freshHalfLifeHours);
    return share * ((worth[i] as number) + fresh + h.jitter * noise(query.seed, c.id)) + (1 - share) * heuristicScore(query, c);
  };
  const rows = candidates.map((c) => c.features);
  if (!preRanker || rows.length <= ranked) {
    const worth = await predictedWorth(query, model, candidates);
    return Float64Array.from(rows, (_row, i) => mixed(worth, i));
  }
  const first = (await preRanker.predict(rows))['value'] as Float32Array;
  const scores = Float64Array.from(rows, (_row, i) => mixed(first, i));
  const order = Int32Array.from(rows.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const chosen = order.subarray(0, ranked);
  const second = await predictedWorth(
    query,
    model,
    Array.from(chosen, (i) => candidates[i] as FeedCandidate),
  );
  const worth = new Float64Array(rows.length);
  chosen.forEach((i, at) => {
    worth[i] = second[at] as number;
  });
  const best = scores[order[ranked] as number] as number;
  for (const i of chosen) scores[i] = mixed(worth, i);
  // The rest keeps its order, behind every candidate that the ranker looked at.
  const floor = Math.min(...Array.from(chosen, (i) => scores[i] as number));
  for (const i of order.subarray(ranked)) scores[i] = floor - 1 - (best - (scores[i] as number));
  return scores;
}

/**
 * Scores by the loaded ranker: the expected worth of showing the video, with a little room for the new
 * and the untried. Without a ranker, or when it fails, the heuristic answers, and the response says so.
 */
export const rank = (telemetry: Telemetry): Scorer<FeedQuery, FeedCandidate> => ({
  name: 'rank',
  async score(query, candidates) {
    fillRows(query, candidates);
    const ranker = query.ranker;
    if (ranker && candidates.length > 0)
      try {
        const scores = await scoresOf(query, ranker, candidates);
        for (const [i, c] of candidates.entries()) c.score = scores[i] as number;
        return `ranker@${ranker.version}+weights@${signalWeights.version}`;
      } catch {
        telemetry.count('foryou_ranker_failures_total', {});
      }
    for (const c of candidates) c.score = heuristicScore(query, c);
    return heuristicScorer;
  },
});
