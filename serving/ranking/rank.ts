import type { Loaded } from '#infra/artifacts/loader.ts';
import type { Rows } from '#infra/inference/row-model.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { signalWeights } from '#schemas/config/signal-weights.ts';
import { heuristicWorth, mixedWorth, trust } from '#schemas/features/heuristic.ts';
import { copyMoment, fillMoment, fillPair, rankingFeatures } from '#schemas/features/ranking.ts';
import { fact, factWidth, publishedAtOf } from '../catalogue/video-table.ts';
import { type Narrower, type Scorer, within } from '../engine/pipeline.ts';
import { type FeedCandidates, rowWidth } from '../feed/candidates.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { sourceBit } from '../feed/source-bits.ts';
import { similaritiesTo } from '../retrieval/taste.ts';
import { heuristicScorer, jitter } from './heuristic.ts';
import { type Ranker, worthOf } from './ranker-reader.ts';

/** So many candidates the ranker looks at; when there are more, the pre-ranker chooses them. */
const ranked = 300;
/** How long a model may take; then the heuristic answers. */
const budgetMs = 60;
const none = new Int32Array(0);

/** What is known of each pair before creators are read: what a pre-ranker may use, and the heuristic needs. */
function fillPairs({ retrieval, taste, videos, nowMs }: FeedQuery, c: FeedCandidates, kept: Int32Array): void {
  const similarities = similaritiesTo(retrieval?.value, taste, retrieval ? videos.labelsOf(retrieval.value, c.items, kept) : none);
  const pair = { creatorId: -1, topics: [] as number[], publishedAt: 0, durationMs: 0 };
  for (let i = 0; i < kept.length; i++) {
    const at = kept[i] as number;
    const from = at * factWidth;
    const [topicsAt, topics] = [c.facts[from + fact.topicsAt] as number, c.facts[from + fact.topics] as number];
    pair.topics.length = topics;
    for (let t = 0; t < topics; t++) pair.topics[t] = videos.topics[topicsAt + t] as number;
    pair.creatorId = c.facts[from + fact.creator] as number;
    pair.publishedAt = publishedAtOf(c.times, at);
    pair.durationMs = c.facts[from + fact.durationMs] as number;
    fillPair(c.features, c.viewer, pair, c.sources[at] as number, similarities[i] ?? 0, nowMs, at * rowWidth);
  }
}

/** The rest of each row. */
function fillRest(query: FeedQuery, candidates: readonly FeedCandidate[]): void {
  const moment = new Float32Array(rankingFeatures.length);
  fillMoment(moment, query.viewer.packed, query.nowMs, query.position);
  for (let i = 0; i < candidates.length; i++) copyMoment(moment, (candidates[i] as FeedCandidate).features);
}

/** The worth of each row by a model, beside the heuristic as far as the model is not trusted yet. */
function mixed({ manifest }: Loaded<Ranker>, { data, width, places }: Rows, learnt: ArrayLike<number>): Float64Array {
  const trusted = trust(manifest.counts['rows'] ?? 0);
  const worth = new Float64Array(places.length);
  for (let i = 0; i < worth.length; i++) worth[i] = mixedWorth(learnt[i] as number, data, trusted, (places[i] as number) * width);
  return worth;
}

interface Valued {
  readonly learnt: boolean;
  readonly worth: Float64Array;
}

/** What each row is worth by a model; when it has nothing to say, fails or is late, the heuristic answers, and it is counted. */
async function orHeuristic(
  telemetry: Telemetry,
  { ranker, turn }: FeedQuery,
  rows: Rows,
  byModel: (ranker: Loaded<Ranker>) => Promise<ArrayLike<number> | null>,
): Promise<Valued> {
  const { data, width, places } = rows;
  try {
    const learnt = ranker && places.length > 0 ? await within(budgetMs, byModel(ranker)) : null;
    await turn();
    if (ranker && learnt) return { learnt: true, worth: mixed(ranker, rows, learnt) };
  } catch {
    telemetry.count('foryou_ranker_failures_total', {});
  }
  const worth = new Float64Array(places.length);
  for (let i = 0; i < worth.length; i++) worth[i] = heuristicWorth(data, (places[i] as number) * width);
  return { learnt: false, worth };
}

/** Of many candidates the pre-ranker chooses those that the ranker looks at, and those that a later stage must have pass. */
export const preRank = (telemetry: Telemetry): Narrower<FeedQuery, FeedCandidates> => ({
  name: 'pre-ranker',
  async choose(query, c, kept) {
    fillPairs(query, c, kept);
    if (kept.length <= ranked) return kept;
    const rows = { data: c.features, width: rowWidth, places: kept };
    const { worth } = await orHeuristic(telemetry, query, rows, async (ranker) => {
      const { preRanker } = ranker.value;
      return preRanker ? ((await preRanker.predict(rows))['value'] as Float32Array) : null;
    });
    for (let i = 0; i < kept.length; i++) {
      const at = kept[i] as number;
      worth[i] = (worth[i] as number) + jitter(query.seed, c.facts[at * factWidth + fact.hash] as number);
      c.score[at] = worth[i] as number;
    }
    const least = worth.sort()[kept.length - ranked] as number;
    const mandatory = query.selection.slots.reduce((bits, { source }) => bits | sourceBit(source), 0);
    return kept.filter((at) => (c.score[at] as number) >= least || ((c.sources[at] as number) & mandatory) !== 0);
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
    const rows = { data: query.candidates.features, width: rowWidth, places: Int32Array.from(candidates, (c) => c.at) };
    const { learnt, worth } = await orHeuristic(telemetry, query, rows, async (ranker) => {
      predicted = await ranker.value.model.predict(rows);
      return worthOf(predicted, candidates.length);
    });
    for (const [i, c] of candidates.entries()) c.score = (worth[i] as number) + jitter(query.seed, c.hash);
    if (learnt && query.explain)
      for (const [i, c] of candidates.entries())
        c.outcomes = Object.fromEntries(Object.entries(predicted).map(([name, column]) => [name, column[i] as number]));
    return learnt ? `ranker@${query.ranker?.version}+weights@${signalWeights.version}` : heuristicScorer;
  },
});
