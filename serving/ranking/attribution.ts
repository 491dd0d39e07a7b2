import { rowsOf } from '#infra/inference/row-model.ts';
import { rankingFeatures } from '#schemas/features/ranking.ts';
import type { FeedCandidate, FeedQuery } from '../feed/query.ts';
import { heuristicScore } from './heuristic.ts';
import { worthOf } from './worth.ts';

export interface Effect {
  readonly feature: string;
  readonly value: number;
  /** How much lower the score would be with the usual value of the feature. */
  readonly effect: number;
}

const most = 8;
/** So many candidates say what is usual. */
const sample = 200;

/** The value of each feature that half of the candidates are below. */
function usual(candidates: readonly FeedCandidate[]): Float64Array {
  const step = Math.max(1, Math.floor(candidates.length / sample));
  const some = candidates.filter((_c, i) => i % step === 0);
  return Float64Array.from(rankingFeatures, (_name, f) => {
    const values = Float64Array.from(some, (c) => c.features[f] as number).sort();
    return values[values.length >> 1] ?? 0;
  });
}

/**
 * Which features mattered for each item: the item is scored again with one feature at a time at its usual value
 * among the candidates (occlusion: Zeiler, Fergus, 2014), so that it holds for any model. Costs one prediction
 * per item and feature, and is computed only for who asks.
 */
export async function whatMattered(query: FeedQuery, items: readonly FeedCandidate[], candidates: readonly FeedCandidate[]): Promise<Effect[][]> {
  const typical = usual(candidates);
  const rows = items.flatMap((c) => [
    c.features,
    ...rankingFeatures.map((_name, f) => {
      const row = c.features.slice();
      row[f] = typical[f] as number;
      return row;
    }),
  ]);
  const scores = await scoresOf(query, items, rows);
  const width = rankingFeatures.length + 1;
  return items.map((c, i) =>
    rankingFeatures
      .map((feature, f) => ({
        feature,
        value: c.features[f] as number,
        effect: (scores[i * width] as number) - (scores[i * width + 1 + f] as number),
      }))
      .filter((e) => Math.abs(e.effect) > 1e-9)
      .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
      .slice(0, most),
  );
}

async function scoresOf(query: FeedQuery, items: readonly FeedCandidate[], rows: readonly Float32Array[]): Promise<Float64Array> {
  const scorer = items[0]?.scorer ?? '';
  if (query.ranker && scorer.startsWith('ranker@')) return worthOf(await query.ranker.value.predict(rowsOf(rows)), rows.length);
  const width = rankingFeatures.length + 1;
  return Float64Array.from(rows, (features, r) => heuristicScore(query, { ...(items[Math.floor(r / width)] as FeedCandidate), features }));
}
