import { ForyouError } from '#infra/errors.ts';
import type { Inference } from '#infra/inference/inference.ts';
import type { MatMul } from '#infra/inference/matmul.ts';
import { outcomes } from '#schemas/artifacts/ranker.ts';
import type { Engagement } from '#schemas/events/engagement.ts';
import { rankingFeature } from '#schemas/features/ranking.ts';
import { featureCount, knownColumn, slice } from '../ranker/dataset.ts';
import { fitRanker } from '../ranker/fit.ts';
import { auc, groupAuc } from '../ranker/metrics.ts';
import type { RankerQuality } from '../ranker/quality.ts';
import { baselines } from './baselines.ts';
import { datasetOf, type Lists } from './interactions.ts';
import { type ReplayedLog, readViews, replay } from './kuairand-rows.ts';

const dayMs = 86_400_000;
/** Days at the end that are measured. */
const lastDays = 2;

export interface RankerEvaluation {
  readonly rows: { readonly train: number; readonly measured: number };
  readonly ranker: RankerQuality;
  /** AUC and AUC within viewers of a like by what others would score the pair with. */
  readonly baselines: Readonly<Record<string, { readonly auc: number; readonly groupAuc: number }>>;
  readonly epochs: number;
  readonly seconds: number;
}

/** Trains on the first days of a KuaiRand log and measures on the last ones, beside recommenders that know the same days. */
export async function evaluateRanker(
  inference: Inference,
  matmul: MatMul,
  file: string,
  report: (message: string) => void = () => {},
): Promise<RankerEvaluation> {
  const began = performance.now();
  const log = replay(await readViews(file));
  const { data } = log;
  const from = log.views.findIndex((v) => v.timeMs >= (log.views.at(-1)?.timeMs ?? 0) - lastDays * dayMs);
  if (from < 1_000) throw new ForyouError('input-invalid', `${file}: only ${from} views before the last ${lastDays} days`, { fix: 'give a longer log' });
  report(`${data.rows} views replayed, ${data.rows - from} of the last ${lastDays} days are measured`);
  const cuts = { train: Math.floor(0.9 * from), stop: Math.floor(0.95 * from), calibrate: from };
  const fitted = await fitRanker(inference, data, cuts, { progress: (what, done, total) => report(`${what}: epoch ${done} of at most ${total}`) });
  return {
    rows: { train: from, measured: data.rows - from },
    ranker: fitted.quality,
    baselines: await others(matmul, log, from),
    epochs: fitted.epochs,
    seconds: (performance.now() - began) / 1_000,
  };
}

/** Scores of pairs by recommenders that were trained on the likes of the first days, and by plain counts. */
async function others(matmul: MatMul, { data, views }: ReplayedLog, from: number): Promise<RankerEvaluation['baselines']> {
  const lists: Lists = new Map();
  for (const { events } of views.slice(0, from)) {
    const { userId, videoId } = events[0] as Engagement;
    const list = lists.get(userId) ?? [];
    lists.set(userId, list);
    if (events.some((e) => e.kind === 'like')) list.push(videoId);
  }
  const dataset = datasetOf(lists);
  const measured = slice(data, from, data.rows);
  const like = outcomes.indexOf('like');
  const { values, rows } = knownColumn(measured.y, measured, like);
  const judge = (scores: ArrayLike<number>) => {
    const value = auc(scores, values);
    return {
      auc: value,
      groupAuc: groupAuc(
        scores,
        values,
        Array.from(rows, (r) => measured.group[r] as string),
      ).value,
    };
  };
  const rate = rankingFeature('video.likesRate_all');
  const result: Record<string, { auc: number; groupAuc: number }> = {
    'like rate of the video': judge(Float32Array.from(rows, (r) => measured.x[r * featureCount + rate] as number)),
  };
  for (const { name, recommender } of await baselines(matmul, dataset.histories, 20)) {
    const scores = new Float32Array(rows.length);
    for (const [i, r] of rows.entries()) {
      const { userId, videoId } = (views[from + r] as ReplayedLog['views'][number]).events[0] as Engagement;
      const [user, item] = [dataset.users.find(userId), dataset.items.find(videoId)];
      // A viewer or video of whom nothing was known scores nothing.
      if (user !== undefined && item !== undefined) scores[i] = (await recommender.score([user]))[item] as number;
    }
    result[name] = judge(scores);
  }
  return result;
}
