import { OnnxRuntime } from '#infra/inference/onnx-runtime.ts';
import { answerCalls } from '#infra/threads/calls.ts';
import { RankedColumns } from '../feed/candidates.ts';
import { LocalRankers, type Ranker } from './ranker.ts';
import type { RankerCall } from './threaded-rankers.ts';

const rankers = new LocalRankers(new OnnxRuntime());
const loaded = new Map<number, Ranker>();

async function answer(call: RankerCall): Promise<unknown> {
  if (call.what === 'load') {
    loaded.set(call.ranker, await rankers.load(call.model, call.preRanker));
    return null;
  }
  const ranker = loaded.get(call.ranker);
  if (!ranker) throw new TypeError(`ranker ${call.ranker} is not loaded`);
  switch (call.what) {
    case 'narrow':
      return ranker.narrow(new RankedColumns(call.memory), call.ask);
    case 'score':
      return ranker.score(new RankedColumns(call.memory), call.ask, call.explain);
    case 'predict':
      return ranker.predict(call.rows);
    case 'check':
      return ranker.check(call.rows);
    case 'release':
      loaded.delete(call.ranker);
      return ranker.release();
  }
}

answerCalls(async (call: RankerCall) => ({ value: await answer(call) }));
