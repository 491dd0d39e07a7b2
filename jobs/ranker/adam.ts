import { type Inference, type Model, type Tensor, tensor } from '#infra/inference/inference.ts';
import { Tape, type Value } from './autodiff.ts';

export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Adam with decoupled weight decay (Kingma, Ba, 2015; Loshchilov, Hutter, 2019). */
export interface AdamSettings {
  readonly rate: number;
  readonly decay: number;
}
const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];

/** A loss as a graph: parameters by name and the batch's inputs in, one number out. */
export interface Loss {
  readonly parameters: readonly Parameter[];
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  build(tape: Tape, parameters: Readonly<Record<string, Value>>, inputs: Readonly<Record<string, Value>>): Value;
}

/** Trains the parameters of a loss: each step is one run of one model that holds forward, backward and update. */
export class Trainer {
  readonly #model: Model;
  readonly #settings: AdamSettings;
  #state: Record<string, Tensor>;
  #step = 0;

  private constructor(model: Model, settings: AdamSettings, state: Record<string, Tensor>) {
    this.#model = model;
    this.#settings = settings;
    this.#state = state;
  }

  static async create(inference: Inference, loss: Loss, settings: AdamSettings): Promise<Trainer> {
    const model = await inference.load(trainingStep(loss, settings));
    const state = loss.parameters.flatMap(({ name, dims, data }) => [
      [`p.${name}`, tensor(data.slice(), ...dims)] as const,
      [`m.${name}`, tensor(new Float32Array(data.length), ...dims)] as const,
      [`v.${name}`, tensor(new Float32Array(data.length), ...dims)] as const,
    ]);
    return new Trainer(model, settings, Object.fromEntries(state));
  }

  /** One step on one batch. Returns the loss before it. */
  async step(batch: Readonly<Record<string, Tensor>>): Promise<number> {
    const t = ++this.#step;
    const corrected = (this.#settings.rate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
    const answer = await this.#model.run({ ...batch, ...this.#state, rate: tensor(Float32Array.of(corrected)) });
    this.#state = Object.fromEntries(Object.keys(this.#state).map((name) => [name, answer[`${name}'`] as Tensor]));
    return (answer['loss'] as Tensor).data[0] as number;
  }

  parameters(): Record<string, Float32Array> {
    const entries = Object.entries(this.#state).filter(([name]) => name.startsWith('p.'));
    return Object.fromEntries(entries.map(([name, { data }]) => [name.slice(2), (data as Float32Array).slice()]));
  }
  release(): Promise<void> {
    return this.#model.release();
  }
}

function trainingStep(loss: Loss, { decay, rate }: AdamSettings): Buffer {
  const tape = new Tape();
  const inputs = Object.fromEntries(Object.entries(loss.inputs).map(([name, dims]) => [name, tape.input(name, dims)]));
  const stepRate = tape.input('rate', []);
  const parameters = Object.fromEntries(loss.parameters.map(({ name, dims }) => [name, tape.input(`p.${name}`, dims)]));
  const value = loss.build(tape, parameters, inputs);
  tape.node('Identity', [value], undefined, 'loss');
  const gradients = tape.gradients(value, Object.values(parameters));
  const outputs = loss.parameters.flatMap(({ name, dims }, i) => {
    const moments = { m: tape.input(`m.${name}`, dims), v: tape.input(`v.${name}`, dims) };
    updateNodes(tape, { name, value: parameters[name] as Value, gradient: gradients[i] as Value, ...moments }, stepRate, rate * decay);
    return ['p', 'm', 'v'].map((kind) => ({ name: `${kind}.${name}'`, dims }));
  });
  return tape.model('training-step', [{ name: 'loss', dims: [] }, ...outputs]);
}

function updateNodes(tape: Tape, p: { name: string; value: Value; gradient: Value; m: Value; v: Value }, rate: Value, decay: number): void {
  const mix = (old: Value, next: Value, beta: number, name: string): Value =>
    tape.node('Add', [tape.node('Mul', [old, tape.scalar(beta)]), tape.node('Mul', [next, tape.scalar(1 - beta)])], undefined, name);
  const m = mix(p.m, p.gradient, beta1, `m.${p.name}'`);
  const v = mix(p.v, tape.node('Mul', [p.gradient, p.gradient]), beta2, `v.${p.name}'`);
  const update = tape.node('Div', [tape.node('Mul', [m, rate]), tape.node('Add', [tape.node('Sqrt', [v]), tape.scalar(epsilon)])]);
  const kept = tape.node('Mul', [p.value, tape.scalar(1 - decay)]);
  tape.node('Sub', [kept, update], undefined, `p.${p.name}'`);
}
