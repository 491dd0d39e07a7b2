import type { Inference } from '#infra/inference/inference.ts';
import { RowModel, type Rows } from '#infra/inference/row-model.ts';
import { outcomes, preRankValue } from '#schemas/artifacts/ranker.ts';
import { rankingFeatures } from '#schemas/features/ranking.ts';
import type { RankedColumns } from '../feed/candidates.ts';
import { type Narrowing, narrowed, type Scoring, scored } from './stages.ts';

/** Predictions of rows by name. */
export type Predictions = Readonly<Record<string, Float32Array>>;

/** One version of the ranker, with the small model that chooses what it looks at. It works in the columns that it is given. */
export interface Ranker {
  /** Fills in what is known of each pair, and returns the places that go on. */
  narrow(columns: RankedColumns, ask: Narrowing): Promise<Int32Array>;
  /** Writes the score of each place; returns what was predicted, or nothing where nobody wants to know. */
  score(columns: RankedColumns, ask: Scoring, explain: boolean): Promise<Predictions>;
  /** What it predicts of rows of features, wherever they come from. */
  predict(rows: Rows): Promise<Predictions>;
  /** Refuses models that give no numbers. */
  check(rows: Rows): Promise<void>;
  release(): Promise<void>;
}

/** Where rankers are loaded. Bytes that are no model of known features end in `artifact-refused`. */
export interface RankerLoader {
  load(model: Uint8Array, preRanker: Uint8Array | null): Promise<Ranker>;
}

/** Rankers in this thread. */
export class LocalRankers implements RankerLoader {
  readonly #inference: Inference;
  constructor(inference: Inference) {
    this.#inference = inference;
  }

  async load(model: Uint8Array, preRanker: Uint8Array | null): Promise<Ranker> {
    const read = (bytes: Uint8Array, predicted: readonly string[]) => RowModel.load(this.#inference, bytes, { known: rankingFeatures, predicted });
    return localRanker(await read(model, outcomes), preRanker && (await read(preRanker, [preRankValue])));
  }
}

export function localRanker(model: RowModel, preRanker: RowModel | null): Ranker {
  return {
    narrow: (columns, ask) => narrowed(columns, ask, preRanker),
    score: async (columns, ask, explain) => {
      const predicted = await scored(columns, ask, model);
      return explain ? predicted : {};
    },
    predict: (rows) => model.predict(rows),
    async check(rows) {
      for (const one of [model, preRanker]) await one?.predict(rows);
    },
    async release() {
      await model.release();
      await preRanker?.release();
    },
  };
}
