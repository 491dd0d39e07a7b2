import { signalWeights as w } from '../config/signal-weights.ts';

/** What a ranker predicts of a view, each as a probability or a share from 0 to 1. */
export const outcomes = ['complete', 'watchFraction', 'like', 'share', 'comment', 'follow', 'earlySkip', 'report'] as const;
export type Outcome = (typeof outcomes)[number];

/** What each outcome is worth: the order of the feed is that of the expected sum. */
export const outcomeWeights: Readonly<Record<Outcome, number>> = {
  complete: w.complete,
  watchFraction: w.watchFraction,
  like: w.like,
  share: w.share,
  comment: w.comment,
  follow: w.follow,
  earlySkip: w.earlySkip,
  report: w.report,
};

/** Files of a `ranker` artifact. The pre-ranker may be missing: a model from elsewhere has none. */
export const rankerFile = 'ranker.onnx';
export const preRankerFile = 'pre-ranker.onnx';
/** Keys of a model's metadata: JSON lists of names, in the order of the columns. */
export const featuresKey = 'foryou.features';
export const outcomesKey = 'foryou.outcomes';
/** The one output of a pre-ranker: an estimate of the ranker's weighted sum. */
export const preRankValue = 'value';

interface Signature {
  readonly inputs: readonly { readonly name: string; readonly dims: readonly (number | string)[] }[];
  readonly outputs: readonly { readonly name: string; readonly dims: readonly (number | string)[] }[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** How a model is called: which features go where, and where each prediction is found. */
export interface ModelPlan {
  /** One matrix of these columns, or one input per feature. */
  readonly matrix: { readonly input: string; readonly features: readonly string[] } | null;
  readonly single: readonly string[];
  /** Output and column of each prediction; column -1 is the last one. */
  readonly predictions: Readonly<Record<string, { readonly output: string; readonly column: number }>>;
}

const list = (text: string | undefined): string[] | null => {
  try {
    const names: unknown = text === undefined ? null : JSON.parse(text);
    return Array.isArray(names) && names.every((n) => typeof n === 'string') ? names : null;
  } catch {
    return null;
  }
};

/**
 * Reads how any ONNX model is to be called, or says why it cannot be. Either its one input is a matrix
 * whose columns the metadata names (`foryou.features`), or each input is named after a feature. Either
 * the outputs are named after predictions, or one output is a matrix whose columns the metadata names
 * (`foryou.outcomes`). An output of two columns gives the probability of "yes" in the last.
 */
export function planModel(model: Signature, known: readonly string[], predicted: readonly string[]): ModelPlan | string {
  const features = list(model.metadata[featuresKey]);
  const wanted = features ?? model.inputs.map((i) => i.name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) return `its input "${unknown[0]}" is no known feature`;
  if (features && model.inputs.length !== 1) return `${featuresKey} names the columns of one input, and the model has ${model.inputs.length}`;
  const width = model.inputs[0]?.dims[1];
  if (features && typeof width === 'number' && width !== features.length) return `its input has ${width} columns, ${featuresKey} names ${features.length}`;
  const columns = list(model.metadata[outcomesKey]);
  const output = model.outputs[0]?.name ?? '';
  const predictions = columns
    ? Object.fromEntries(columns.map((name, column) => [name, { output, column }]))
    : Object.fromEntries(model.outputs.filter((o) => predicted.includes(o.name)).map((o) => [o.name, { output: o.name, column: -1 }]));
  const strange = Object.keys(predictions).find((name) => !predicted.includes(name));
  if (strange !== undefined) return `its output "${strange}" is none of: ${predicted.join(', ')}`;
  if (Object.keys(predictions).length === 0) return `none of its outputs is one of: ${predicted.join(', ')}`;
  return { matrix: features ? { input: model.inputs[0]?.name ?? '', features } : null, single: features ? [] : wanted, predictions };
}
