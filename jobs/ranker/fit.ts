import { type Inference, tensor } from '#infra/inference/inference.ts';
import { RowModel } from '#infra/inference/row-model.ts';
import { outcomes } from '#schemas/artifacts/ranker.ts';
import { preRankingFeatures, rankingFeatures } from '#schemas/features/ranking.ts';
import { Random } from '../engine/random.ts';
import { type Loss, Trainer } from './adam.ts';
import { featureCount, knownColumn, outcomeCount, preRankingColumns, type RankingData, type Scaling, scaled, scalingOf, slice } from './dataset.ts';
import { plattScaling } from './metrics.ts';
import {
  type Calibration,
  initialParameters,
  logitsModel,
  preRankerLayers,
  preRankerLoss,
  preRankerModel,
  rankerLayers,
  rankerLoss,
  rankerModel,
  type Weights,
} from './network.ts';
import { predictAll, qualityOf, type RankerQuality, worthOf } from './quality.ts';

export interface FitSettings {
  readonly epochs: number;
  /** Epochs without a better loss on the rows kept apart, before training ends. */
  readonly patience: number;
  /** Rows of a step; fewer where rows are few, so that an epoch is some dozens of steps. */
  readonly batch: number;
  readonly rate: number;
  readonly decay: number;
  readonly seed: number;
}
const defaultFit: FitSettings = { epochs: 40, patience: 4, batch: 256, rate: 1e-3, decay: 1, seed: 1 };

export interface FittedRanker {
  readonly ranker: Buffer;
  readonly preRanker: Buffer;
  readonly epochs: number;
  /** Of the model as it was written, on the last rows. */
  readonly quality: RankerQuality;
  /** Predictions on the measured rows, rows x outcomes. */
  readonly predictions: Float32Array;
  /** Correlation of the pre-ranker's order with the ranker's (Spearman). */
  readonly preRankerAgreement: number;
}

export type FitProgress = (what: string, done: number, total: number) => void;

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** Shuffled batches of rows; weights are 1 where an outcome is known, and sum to 1 over a batch. */
function* batches(data: { x: Float32Array; y: Float32Array; known: Float32Array; rows: number; width: number }, size: number, random: Random) {
  const features = data.x.length / data.rows;
  const order = Int32Array.from({ length: data.rows }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  const { width } = data;
  for (let from = 0; from < order.length; from += size) {
    const rows = order.subarray(from, from + size);
    const x = new Float32Array(rows.length * features);
    const y = new Float32Array(rows.length * width);
    const weight = new Float32Array(rows.length * width);
    for (const [i, r] of rows.entries()) {
      x.set(data.x.subarray(r * features, (r + 1) * features), i * features);
      for (let o = 0; o < width; o++) {
        y[i * width + o] = data.y[r * width + o] as number;
        weight[i * width + o] = (data.known[r * width + o] as number) / (rows.length * width);
      }
    }
    yield { x: tensor(x, rows.length, features), y: tensor(y, rows.length, width), weight: tensor(weight, rows.length, width) };
  }
}

interface Part {
  readonly data: RankingData;
  readonly x: Float32Array;
}

/** Predictions before squashing, rows x outcomes. */
async function logitsOf(inference: Inference, bytes: Buffer, { x, data }: Part): Promise<Float32Array> {
  const model = await inference.load(bytes);
  const { z } = await model.run({ x: tensor(x, data.rows, featureCount) });
  await model.release();
  return z?.data as Float32Array;
}

function lossOf(logits: Float32Array, data: RankingData): number {
  let [sum, n] = [0, 0];
  for (let i = 0; i < logits.length; i++) {
    if (data.known[i] !== 1) continue;
    const z = logits[i] as number;
    sum += Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0) - (data.y[i] as number) * z;
    n++;
  }
  return sum / Math.max(1, n);
}

/** Logits of the rates: where learning begins. */
function rateBias(data: RankingData): Float32Array {
  return Float32Array.from(outcomes, (_o, i) => {
    const { values } = knownColumn(data.y, data, i);
    const rate = (values.reduce((a, b) => a + b, 0) + 0.5) / (values.length + 1);
    return Math.log(rate / (1 - rate));
  });
}

/** Trains until the rows kept apart say enough, and returns the weights of the best epoch. */
async function trainRanker(inference: Inference, train: Part, apart: Part, settings: FitSettings, progress: FitProgress) {
  const parameters = initialParameters(rankerLayers, featureCount, outcomeCount, rateBias(train.data), settings.seed);
  const trainer = await Trainer.create(inference, rankerLoss(parameters), settings);
  let best: { loss: number; weights: Weights; epoch: number } = { loss: Number.POSITIVE_INFINITY, weights: {}, epoch: 0 };
  const random = new Random(settings.seed);
  const source = { ...train.data, x: train.x, width: outcomeCount };
  for (let epoch = 1; epoch <= settings.epochs && epoch - best.epoch <= settings.patience; epoch++) {
    for (const batch of batches(source, settings.batch, random)) await trainer.step(batch);
    const weights = trainer.parameters();
    const loss = lossOf(await logitsOf(inference, logitsModel(parameters, weights), apart), apart.data);
    if (loss < best.loss) best = { loss, weights, epoch };
    progress('train ranker', epoch, settings.epochs);
  }
  await trainer.release();
  return { parameters, ...best };
}

const calibrated = (logits: Float32Array, { scale, shift }: Calibration): Float32Array =>
  logits.map((z, i) => sigmoid(z * (scale[i % outcomeCount] as number) + (shift[i % outcomeCount] as number)));

/** A small model that estimates the ranker's worth of a row. */
async function distil(inference: Inference, part: Part, worth: Float32Array, scaling: Scaling, settings: FitSettings): Promise<Buffer> {
  const mean = worth.reduce((a, b) => a + b, 0) / Math.max(1, worth.length);
  const parameters = initialParameters(preRankerLayers, preRankingFeatures.length, 1, Float32Array.of(mean), settings.seed);
  const loss: Loss = preRankerLoss(parameters);
  const trainer = await Trainer.create(inference, loss, { rate: 3e-3, decay: 0 });
  const random = new Random(settings.seed + 1);
  const source = { x: preRankingColumns(part.x), y: worth, known: new Float32Array(worth.length).fill(1), rows: worth.length, width: 1 };
  const steps = Math.max(10, Math.ceil(20_000 / worth.length));
  for (let epoch = 0; epoch < Math.min(steps, 60); epoch++) for (const batch of batches(source, settings.batch, random)) await trainer.step(batch);
  const weights = trainer.parameters();
  await trainer.release();
  return preRankerModel(parameters, weights, { mean: preRankingColumns(scaling.mean), inverse: preRankingColumns(scaling.inverse) });
}

function calibrationOf(logits: Float32Array, data: RankingData): Calibration {
  const fitted = outcomes.map((_o, i) => {
    const { values, rows } = knownColumn(data.y, data, i);
    return plattScaling(
      Float32Array.from(rows, (r) => logits[r * outcomeCount + i] as number),
      values,
    );
  });
  return { scale: Float32Array.from(fitted, (f) => f.scale), shift: Float32Array.from(fitted, (f) => f.shift) };
}

/** Ends of the rows that train, that end training and that calibrate. */
export interface Cuts {
  readonly train: number;
  readonly stop: number;
  readonly calibrate: number;
}
/** What is kept apart, in three equal parts. */
export function thirds(rows: number, train: number): Cuts {
  const third = Math.floor((rows - train) / 3);
  return { train, stop: train + third, calibrate: train + 2 * third };
}

/**
 * A multi-task ranker and its pre-ranker from rows in time order. What comes behind the cuts is kept apart:
 * one part ends training, the next calibrates, the last is measured and decides nothing.
 */
export async function fitRanker(
  inference: Inference,
  all: RankingData,
  cuts: Cuts,
  options: Partial<FitSettings> & { readonly progress?: FitProgress } = {},
): Promise<FittedRanker> {
  const { progress = () => {}, ...chosen } = options;
  const settings = { ...defaultFit, batch: Math.max(32, Math.min(defaultFit.batch, Math.floor(cuts.train / 64))), ...chosen };
  const scaling = scalingOf(slice(all, 0, cuts.train));
  const part = (from: number, to: number): Part => {
    const data = slice(all, from, to);
    return { data, x: scaled(data, scaling) };
  };
  const [train, stopping, calibrating, measured] = [
    part(0, cuts.train),
    part(cuts.train, cuts.stop),
    part(cuts.stop, cuts.calibrate),
    part(cuts.calibrate, all.rows),
  ];
  const { parameters, weights, epoch } = await trainRanker(inference, train, stopping, settings, progress);
  const logits = (p: Part) => logitsOf(inference, logitsModel(parameters, weights), p);
  const calibration = calibrationOf(await logits(calibrating), calibrating.data);
  const worth = worthOf(calibrated(await logits(train), calibration), train.data.rows);
  const preRanker = await distil(inference, train, worth, scaling, settings);
  const ranker = rankerModel(parameters, weights, scaling, calibration);
  const model = await RowModel.load(inference, ranker, { known: rankingFeatures, predicted: outcomes });
  const predictions = await predictAll(model, measured.data).finally(() => model.release());
  return {
    ranker,
    preRanker,
    epochs: epoch,
    quality: qualityOf(predictions, measured.data),
    predictions,
    preRankerAgreement: await agreement(inference, preRanker, measured.data, worthOf(predictions, measured.data.rows)),
  };
}

async function agreement(inference: Inference, preRanker: Buffer, data: RankingData, worth: Float32Array): Promise<number> {
  const model = await inference.load(preRanker);
  const { value } = await model.run({ features: tensor(preRankingColumns(data.x), data.rows, preRankingFeatures.length) });
  await model.release();
  return correlation(ranksOf(value?.data as Float32Array), ranksOf(worth));
}

function ranksOf(values: Float32Array): Float32Array {
  const ranks = new Float32Array(values.length);
  for (const [rank, i] of Int32Array.from(values.keys())
    .sort((a, b) => (values[a] as number) - (values[b] as number))
    .entries())
    ranks[i] = rank;
  return ranks;
}

function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (v: Float32Array) => v.reduce((x, y) => x + y, 0) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [(a[i] as number) - ma, (b[i] as number) - mb];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
