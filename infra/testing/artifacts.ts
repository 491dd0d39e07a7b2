import { preRankerFile, rankerFile } from '#schemas/artifacts/ranker.ts';
import { preRankingFeatures } from '#schemas/features/ranking.ts';
import { Random } from '../../jobs/engine/random.ts';
import { featureCount, outcomeCount } from '../../jobs/ranker/dataset.ts';
import { initialParameters, preRankerLayers, preRankerModel, rankerLayers, rankerModel } from '../../jobs/ranker/network.ts';
import type { ArtifactStore } from '../artifacts/store.ts';

/** Rules of a gate that lets everything through. */
const open = { quality: {}, counts: {} };

export interface MadeIndex {
  readonly ids: readonly string[];
  /** ids x dims */
  readonly items: Float32Array;
  readonly index: Buffer;
  readonly ef: number;
  readonly topics: readonly string[];
  /** topics x dims */
  readonly means: Float32Array;
}

/** Puts an index that nobody learnt in front of serving. */
export async function releaseIndex(store: ArtifactStore, version: string, { ids, items, index, ef, topics, means }: MadeIndex): Promise<void> {
  const dims = items.length / ids.length;
  const made = { alpha: '0.003', reg: '0.3', nu: '0.5', ef: String(ef) };
  await store.release(
    { kind: 'index', version, code: 'test', counts: { count: ids.length, dims }, quality: {}, made },
    {
      'index.hnsw': index,
      'items.txt': Buffer.from(ids.join('\n')),
      'items.f32': Buffer.from(items.buffer),
      'eigen.f64': Buffer.from(new Float64Array(dims).fill(1).buffer),
      'topics.txt': Buffer.from(topics.join('\n')),
      'topics.f32': Buffer.from(means.buffer),
    },
    1,
    open,
  );
}

/** A ranker with weights drawn at random: as costly as a learnt one. */
export function randomRanker(): { readonly [rankerFile]: Buffer; readonly [preRankerFile]: Buffer } {
  const random = new Random(7);
  const scaling = (width: number) => ({ mean: new Float32Array(width), inverse: new Float32Array(width).fill(1) });
  const network = (layers: readonly number[], inputs: number, outputs: number) => {
    const parameters = initialParameters(layers, inputs, outputs, new Float32Array(outputs), 5);
    for (const p of parameters) if (p.name === 'out' || p.name === 'wide') for (let i = 0; i < p.data.length; i++) p.data[i] = 0.05 * random.normal();
    return { parameters, weights: Object.fromEntries(parameters.map((p) => [p.name, p.data])) };
  };
  const full = network(rankerLayers, featureCount, outcomeCount);
  const small = network(preRankerLayers, preRankingFeatures.length, 1);
  const calibration = { scale: new Float32Array(outcomeCount).fill(1), shift: new Float32Array(outcomeCount) };
  return {
    [rankerFile]: rankerModel(full.parameters, full.weights, scaling(featureCount), calibration),
    [preRankerFile]: preRankerModel(small.parameters, small.weights, scaling(preRankingFeatures.length)),
  };
}

/** Puts it in front of serving. */
export async function releaseRanker(store: ArtifactStore, version: string): Promise<void> {
  await store.release({ kind: 'ranker', version, code: 'test', counts: { rows: 1_000_000 }, quality: {}, made: {} }, randomRanker(), 1, open);
}
