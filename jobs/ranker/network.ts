import { featuresKey, outcomes, outcomesKey, preRankValue } from '#schemas/artifacts/ranker.ts';
import { preRankingFeatures, rankingFeatures } from '#schemas/features/ranking.ts';
import { Random } from '../engine/random.ts';
import type { Loss, Parameter } from './adam.ts';
import { Tape, type Value } from './autodiff.ts';
import { clip, featureCount, outcomeCount, type Scaling } from './dataset.ts';

/** Sizes of the hidden layers; the last layer also sees the input itself, so that few rows learn a linear model first. */
export type Layers = readonly number[];
export const rankerLayers: Layers = [128, 64];
export const preRankerLayers: Layers = [16];

export type Weights = Readonly<Record<string, Float32Array>>;

/** Starting values: He's for what a ReLU follows (He et al., 2015), nothing for the last layer. */
export function initialParameters(layers: Layers, inputs: number, outputs: number, bias: Float32Array, seed: number): Parameter[] {
  const random = new Random(seed);
  const sizes = [inputs, ...layers];
  const hidden = layers.flatMap((size, i): Parameter[] => {
    const fanIn = sizes[i] as number;
    const spread = Math.sqrt(2 / fanIn);
    return [
      { name: `w${i}`, dims: [fanIn, size], data: Float32Array.from({ length: fanIn * size }, () => spread * random.normal()) },
      { name: `b${i}`, dims: [size], data: new Float32Array(size) },
    ];
  });
  const last = layers.at(-1) as number;
  return [
    ...hidden,
    { name: 'out', dims: [last, outputs], data: new Float32Array(last * outputs) },
    { name: 'wide', dims: [inputs, outputs], data: new Float32Array(inputs * outputs) },
    { name: 'bias', dims: [outputs], data: bias },
  ];
}

/** The last layer's values before any squashing, [n, outputs], from scaled features [n, features]. */
export function forward(tape: Tape, x: Value, p: Readonly<Record<string, Value>>, layers: Layers): Value {
  let h = x;
  layers.forEach((_size, i) => {
    h = tape.relu(tape.addRow(tape.matmul(h, p[`w${i}`] as Value), p[`b${i}`] as Value));
  });
  return tape.addRow(tape.add(tape.matmul(h, p['out'] as Value), tape.matmul(x, p['wide'] as Value)), p['bias'] as Value);
}

/** Cross-entropy of every outcome, each row and outcome by its weight; the weights of a batch sum to 1. */
export const rankerLoss = (parameters: readonly Parameter[]): Loss => ({
  parameters,
  inputs: { x: ['n', featureCount], y: ['n', outcomeCount], weight: ['n', outcomeCount] },
  build(tape, p, { x, y, weight }) {
    const z = forward(tape, x as Value, p, rankerLayers);
    return tape.sum(tape.mul(weight as Value, tape.sub(tape.softplus(z), tape.mul(y as Value, z))));
  },
});

/** Squared distance to what the ranker said: knowledge distillation (Hinton, Vinyals, Dean, 2015) of one number. */
export const preRankerLoss = (parameters: readonly Parameter[]): Loss => ({
  parameters,
  inputs: { x: ['n', preRankingFeatures.length], y: ['n', 1], weight: ['n', 1] },
  build(tape, p, { x, y, weight }) {
    const difference = tape.sub(forward(tape, x as Value, p, preRankerLayers), y as Value);
    return tape.sum(tape.mul(weight as Value, tape.mul(difference, difference)));
  },
});

function scaledInput(tape: Tape, { mean, inverse }: Scaling): Value {
  const raw = tape.input('features', ['n', mean.length]);
  const size = tape.node('Log', [tape.node('Add', [tape.node('Abs', [raw]), tape.scalar(1)])]);
  const compressed = tape.node('Mul', [tape.node('Sign', [raw]), size]);
  const centred = tape.node('Sub', [compressed, tape.constant(mean, [mean.length])]);
  const unit = tape.node('Mul', [centred, tape.constant(inverse, [mean.length])]);
  return tape.node('Clip', [unit, tape.scalar(-clip), tape.scalar(clip)]);
}

const constants = (tape: Tape, parameters: readonly Parameter[], weights: Weights): Record<string, Value> =>
  Object.fromEntries(parameters.map(({ name, dims }) => [name, tape.constant(weights[name] as Float32Array, dims)]));

export interface Calibration {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

/** The model that serves: raw features in, calibrated predictions out, the names of both inside. */
export function rankerModel(parameters: readonly Parameter[], weights: Weights, scaling: Scaling, { scale, shift }: Calibration): Buffer {
  const tape = new Tape();
  const z = forward(tape, scaledInput(tape, scaling), constants(tape, parameters, weights), rankerLayers);
  const calibrated = tape.node('Add', [tape.node('Mul', [z, tape.constant(scale, [outcomeCount])]), tape.constant(shift, [outcomeCount])]);
  tape.node('Sigmoid', [calibrated], undefined, 'outcomes');
  return tape.model('ranker', [{ name: 'outcomes', dims: ['n', outcomeCount] }], {
    [featuresKey]: JSON.stringify(rankingFeatures),
    [outcomesKey]: JSON.stringify(outcomes),
  });
}

/** `scaling` is of the pre-ranking features. */
export function preRankerModel(parameters: readonly Parameter[], weights: Weights, scaling: Scaling): Buffer {
  const tape = new Tape();
  const value = forward(tape, scaledInput(tape, scaling), constants(tape, parameters, weights), preRankerLayers);
  tape.node('Identity', [value], undefined, preRankValue);
  return tape.model('pre-ranker', [{ name: preRankValue, dims: ['n', 1] }], { [featuresKey]: JSON.stringify(preRankingFeatures) });
}

/** The logits alone, for measuring and calibrating: scaled features in. */
export function logitsModel(parameters: readonly Parameter[], weights: Weights): Buffer {
  const tape = new Tape();
  const x = tape.input('x', ['n', featureCount]);
  const z = forward(tape, x, constants(tape, parameters, weights), rankerLayers);
  tape.node('Identity', [z], undefined, 'z');
  return tape.model('logits', [{ name: 'z', dims: ['n', outcomeCount] }]);
}
