import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inference } from '#infra/inference/inference.ts';
import type { MatMul } from '#infra/inference/matmul.ts';
import { Random } from '../engine/random.ts';
import { evaluate } from './evaluate.ts';
import { type Lists, readInteractions } from './interactions.ts';
import { evaluateRanker } from './ranker-quality.ts';

/** One line of the table: a method on a set of data. */
export interface QualityRow {
  readonly data: string;
  readonly method: string;
  readonly recall?: number;
  readonly ndcg?: number;
  readonly hitRate?: number;
  readonly auc?: number;
  readonly groupAuc?: number;
  readonly seconds?: number;
  readonly peakMb?: number;
}

interface Setting {
  readonly data: string;
  readonly inference: Inference;
  readonly matmul: MatMul;
  readonly report: (message: string) => void;
}
interface Suite {
  readonly name: string;
  readonly run: (setting: Setting) => Promise<QualityRow[]>;
}

async function ranking(s: Setting, name: string, files: { train: string; test: string; features?: readonly string[] }, k: number): Promise<QualityRow[]> {
  const { matmul, report } = s;
  const found = await evaluate(matmul, { train: [files.train], test: files.test, features: files.features ?? [], k, baselines: true, report });
  const row = (method: string, q: { recall: number; ndcg: number; hitRate: number }): QualityRow => ({
    data: name,
    method,
    recall: q.recall,
    ndcg: q.ndcg,
    hitRate: q.hitRate,
  });
  return [{ ...row('foryou', found), seconds: found.seconds, peakMb: found.peakMb }, ...Object.entries(found.baselines).map(([method, q]) => row(method, q))];
}

/** Parts each list into what trains and what is to be found, as files in a folder that is gone afterwards. */
async function withSplit<T>(
  file: string,
  apart: (list: readonly string[]) => ReadonlySet<number>,
  use: (train: string, test: string) => Promise<T>,
): Promise<T> {
  const lists: Lists = await readInteractions([file]);
  const folder = await mkdtemp(join(tmpdir(), 'foryou-quality-'));
  const drawn = new Map([...lists.values()].map((list) => [list, apart(list)]));
  const partOf = (keep: (isApart: boolean) => boolean): string =>
    [...lists].map(([user, list]) => [user, ...list.filter((_item, i) => keep(drawn.get(list)?.has(i) === true))].join(' ')).join('\n');
  try {
    await writeFile(
      join(folder, 'train.txt'),
      partOf((held) => !held),
    );
    await writeFile(
      join(folder, 'test.txt'),
      partOf((held) => held),
    );
    return await use(join(folder, 'train.txt'), join(folder, 'test.txt'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const tiktok = (data: string) => join(data, 'rec/diffmm/tiktok');

/** What is measured, by name. Nothing in training knows these names. */
export const suites: readonly Suite[] = [
  {
    name: 'tiktok',
    run: (s) => ranking(s, 'TikTok val, interactions, @20', { train: join(tiktok(s.data), 'trn.tsv'), test: join(tiktok(s.data), 'val.tsv') }, 20),
  },
  {
    name: 'tiktok-features',
    run: (s) => {
      const features = ['image_feat.npy', 'audio_feat.npy'].map((f) => join(tiktok(s.data), f));
      return ranking(s, 'TikTok val, with features, @20', { train: join(tiktok(s.data), 'trn.tsv'), test: join(tiktok(s.data), 'val.tsv'), features }, 20);
    },
  },
  {
    name: 'beauty',
    run: (s) =>
      withSplit(
        join(s.data, 'rec/s3rec/Beauty_minus_last.txt'),
        (list) => new Set(list.length > 1 ? [list.length - 1] : []),
        (train, test) => ranking(s, 'Beauty, last of each list, @10', { train, test }, 10),
      ),
  },
  {
    name: 'gowalla',
    run: (s) => {
      const random = new Random(20);
      return withSplit(
        join(s.data, 'rec/gowalla_lightgcn/train.txt'),
        (list) => new Set(list.flatMap((_item, i) => (random.chance(0.2) ? [i] : []))),
        (train, test) => ranking(s, 'Gowalla, a random fifth, @20', { train, test }, 20),
      );
    },
  },
  {
    name: 'kuairand',
    async run({ data, inference, matmul, report }) {
      const file = join(data, 'rec/kuairand27k_likehate/share_apr08-17_minus_test.tsv');
      const found = await evaluateRanker(inference, matmul, file, report);
      const ours = Object.entries(found.ranker).map(
        ([outcome, q], i): QualityRow => ({
          data: `KuaiRand, last 2 days, ${outcome}`,
          method: 'foryou ranker',
          auc: q.auc,
          groupAuc: q.groupAuc,
          ...(i === 0 ? { seconds: found.seconds } : {}),
        }),
      );
      const others = Object.entries(found.baselines).map(([method, q]): QualityRow => ({ data: 'KuaiRand, last 2 days, like', method, ...q }));
      return [...ours, ...others];
    },
  },
];
