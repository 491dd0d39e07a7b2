import '#infra/inference/no-telemetry.ts';
import type { Rows } from '#infra/inference/row-model.ts';
import { ThreadCalls } from '#infra/threads/calls.ts';
import type { Predictions, Ranker, RankerLoader } from './ranker.ts';
import type { Narrowing, Scoring } from './stages.ts';

export type RankerCall = { readonly ranker: number } & (
  | { readonly what: 'load'; readonly model: Uint8Array; readonly preRanker: Uint8Array | null }
  | { readonly what: 'narrow'; readonly memory: SharedArrayBuffer; readonly ask: Narrowing }
  | { readonly what: 'score'; readonly memory: SharedArrayBuffer; readonly ask: Scoring; readonly explain: boolean }
  | { readonly what: 'predict' | 'check'; readonly rows: Rows }
  | { readonly what: 'release' }
);

/**
 * Rankers in a thread of their own: features of pairs, matrices and models take it milliseconds of a page, in which
 * requests go on. The columns are memory that both see; only what is asked and which places go on are messages.
 */
export class ThreadedRankers implements RankerLoader {
  readonly calls = new ThreadCalls(new URL('./ranker-worker.ts', import.meta.url), 'the models');
  #next = 0;

  async load(model: Uint8Array, preRanker: Uint8Array | null): Promise<Ranker> {
    const ranker = this.#next++;
    const ask = <A>(call: RankerCall) => this.calls.call<A>(call);
    await ask({ what: 'load', ranker, model, preRanker });
    return {
      narrow: ({ memory }, narrowing) => ask<Int32Array>({ what: 'narrow', ranker, memory, ask: narrowing }),
      score: ({ memory }, scoring, explain) => ask<Predictions>({ what: 'score', ranker, memory, ask: scoring, explain }),
      predict: (rows) => ask<Predictions>({ what: 'predict', ranker, rows }),
      check: (rows) => ask({ what: 'check', ranker, rows }),
      release: () => ask({ what: 'release', ranker }),
    };
  }

  close(): Promise<void> {
    return this.calls.close();
  }
}
