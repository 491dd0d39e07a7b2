import type { RowModel, Rows } from '#infra/inference/row-model.ts';
import { preRankValue } from '#schemas/artifacts/ranker.ts';
import { heuristicWorth, mixedWorth } from '#schemas/features/heuristic.ts';
import { copyMoment, fillPair, type ViewerFacts } from '#schemas/features/ranking.ts';
import { fact, factWidth, publishedAtOf } from '../catalogue/video-table.ts';
import { type RankedColumns, rowWidth } from '../feed/candidates.ts';
import { similaritiesTo } from '../retrieval/directions.ts';
import { jitter } from './noise.ts';
import { worthOf } from './worth.ts';

/**
 * Both stages of ranking, as functions of a request's columns and of what they are asked: they run in the thread of the
 * models, and by the heuristic in that of the request.
 */

/** So many candidates the ranker looks at; when there are more, the pre-ranker chooses them. */
export const rankedMost = 300;

/** What the stage that narrows needs beside the columns. */
export interface Narrowing {
  /** Places of the candidates, and their labels in the index, -1 where it has none. */
  readonly kept: Int32Array;
  readonly labels: Int32Array;
  readonly viewer: ViewerFacts<number>;
  /** The viewer's vector, and the directions of the index that it belongs to. */
  readonly taste: Float32Array | null;
  readonly directions: Int8Array | null;
  /** Numbers of topics, see `VideoTable`. */
  readonly topics: Int32Array;
  readonly nowMs: number;
  readonly seed: number;
  /** Bits of the sources whose candidates pass in any case. */
  readonly mandatory: number;
  /** How far the model is trusted, 0 to 1. */
  readonly trusted: number;
}

/** What the stage that scores needs beside the columns. */
export interface Scoring {
  readonly places: Int32Array;
  /** A row of features with what all candidates of the moment share. */
  readonly moment: Float32Array;
  readonly seed: number;
  readonly trusted: number;
}

/** What is known of each pair of viewer and video before creators are read. */
function fillPairs(c: RankedColumns, { kept, labels, viewer, taste, directions, topics, nowMs }: Narrowing): void {
  const similarities = similaritiesTo(directions, taste, labels);
  const pair = { creatorId: -1, topics: [] as number[], publishedAt: 0, durationMs: 0 };
  for (let i = 0; i < kept.length; i++) {
    const at = kept[i] as number;
    const from = at * factWidth;
    const [topicsAt, count] = [c.facts[from + fact.topicsAt] as number, c.facts[from + fact.topics] as number];
    pair.topics.length = count;
    for (let t = 0; t < count; t++) pair.topics[t] = topics[topicsAt + t] as number;
    pair.creatorId = c.facts[from + fact.creator] as number;
    pair.publishedAt = publishedAtOf(c.times, at);
    pair.durationMs = c.facts[from + fact.durationMs] as number;
    fillPair(c.features, viewer, pair, c.sources[at] as number, similarities[i] ?? 0, nowMs, at * rowWidth);
  }
}

/** Writes what each row is worth, with what decides between equals: by what was learnt as far as it is trusted, else by the heuristic. */
function writeWorth(c: RankedColumns, { data, places }: Rows, learnt: ArrayLike<number> | null, trusted: number, seed: number): void {
  for (let i = 0; i < places.length; i++) {
    const at = places[i] as number;
    const worth = learnt ? mixedWorth(learnt[i] as number, data, trusted, at * rowWidth) : heuristicWorth(data, at * rowWidth);
    c.score[at] = worth + jitter(seed, c.facts[at * factWidth + fact.hash] as number);
  }
}

const rowsAt = ({ features }: RankedColumns, places: Int32Array): Rows => ({ data: features, width: rowWidth, places });

/** The candidates that the ranker looks at, by a model or without one: the best, and those that a later stage must have. */
export async function narrowed(c: RankedColumns, ask: Narrowing, preRanker: RowModel | null): Promise<Int32Array> {
  const { kept, trusted, seed, mandatory } = ask;
  fillPairs(c, ask);
  if (kept.length <= rankedMost) return kept;
  const rows = rowsAt(c, kept);
  const learnt = preRanker && ((await preRanker.predict(rows))[preRankValue] as Float32Array);
  writeWorth(c, rows, learnt, trusted, seed);
  const least = Float64Array.from(kept, (at) => c.score[at] as number).sort()[kept.length - rankedMost] as number;
  return kept.filter((at) => (c.score[at] as number) >= least || ((c.sources[at] as number) & mandatory) !== 0);
}

/** Writes the score of each place, by a model or without one; returns what the model predicts. */
export async function scored(c: RankedColumns, ask: Scoring, model: RowModel | null): Promise<Record<string, Float32Array>> {
  const { places, moment, trusted, seed } = ask;
  for (const at of places) copyMoment(moment, c.features, at * rowWidth);
  const rows = rowsAt(c, places);
  const predicted = model ? await model.predict(rows) : {};
  writeWorth(c, rows, model && worthOf(predicted, places.length), trusted, seed);
  return predicted;
}
