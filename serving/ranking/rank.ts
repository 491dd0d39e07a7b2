import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { heuristic as h } from '#schemas/config/heuristic.ts';
import { signalWeights } from '#schemas/config/signal-weights.ts';
import { fillDerived, fillPair, fillUser, rankingFeature } from '#schemas/features/ranking.ts';
import type { Scorer } from '../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { similarity } from '../retrieval/taste.ts';
import { heuristicScore, heuristicScorer, noise } from './heuristic.ts';
import { expectedWorth, type Ranker } from './ranker-reader.ts';

/** So many candidates the ranker looks at; when there are more, the pre-ranker chooses them. */
const ranked = 300;
/** Behind every candidate that the ranker looked at. */
const notRanked = -1_000;
const ageHours = rankingFeature('ageHours');

/** The whole row of each candidate, from what the hydrators left and what is known of the viewer. */
function fillRows(query: FeedQuery, candidates: readonly FeedCandidate[]): void {
  const { viewer, nowMs } = query;
  for (const c of candidates) {
    const facts = {
      creatorId: c.card?.creatorId ?? '',
      topics: c.card?.topics ?? [],
      publishedAt: c.card?.publishedAt ?? 0,
      durationMs: c.card?.durationMs ?? 0,
      sources: c.sources,
      similarity: similarity(query.retrieval?.value, query.taste, c.id),
    };
    fillPair(c.features, viewer, facts, nowMs, query.position);
    fillUser(c.features, viewer.packed, nowMs);
    fillDerived(c.features);
  }
}

async function worthOf({ model, preRanker }: Ranker, candidates: readonly FeedCandidate[]): Promise<Float64Array> {
  const rows = candidates.map((c) => c.features);
  if (!preRanker || rows.length <= ranked) return expectedWorth(model, rows);
  const first = (await preRanker.predict(rows))['value'] as Float32Array;
  const order = Int32Array.from(rows.keys()).sort((a, b) => (first[b] as number) - (first[a] as number));
  const worth = Float64Array.from(first, (value) => value + notRanked);
  const chosen = order.subarray(0, ranked);
  const second = await expectedWorth(
    model,
    Array.from(chosen, (i) => rows[i] as Float64Array),
  );
  for (let i = 0; i < chosen.length; i++) worth[chosen[i] as number] = second[i] as number;
  return worth;
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
        const worth = await worthOf(ranker.value, candidates);
        for (const [i, c] of candidates.entries())
          c.score = (worth[i] as number) + h.fresh * 2 ** (-(c.features[ageHours] as number) / h.freshHalfLifeHours) + h.jitter * noise(query.seed, c.id);
        return `ranker@${ranker.version}+weights@${signalWeights.version}`;
      } catch {
        telemetry.count('foryou_ranker_failures_total', {});
      }
    for (const c of candidates) c.score = heuristicScore(query, c);
    return heuristicScorer;
  },
});
