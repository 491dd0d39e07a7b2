import { type ModelPlan, planModel } from '#schemas/artifacts/ranker.ts';
import { ForyouError } from '../errors.ts';
import { type Inference, type Model, type Tensor, tensor } from './inference.ts';

/** Rows of named features behind each other in one array, `width` numbers each, and the places of those that are meant. */
export interface Rows {
  readonly data: Float32Array;
  readonly width: number;
  readonly places: Int32Array;
}
/** The same from rows that lie apart. */
export function rowsOf(list: readonly Float32Array[]): Rows {
  const width = list[0]?.length ?? 0;
  const data = new Float32Array(list.length * width);
  for (const [i, row] of list.entries()) data.set(row, i * width);
  return { data, width, places: Int32Array.from(list, (_row, i) => i) };
}

interface Waiting {
  readonly rows: Rows;
  resolve(predicted: Record<string, Float32Array>): void;
  reject(error: Error): void;
}
/** One call is worked on, and one waits in the thread, so that it is never idle. */
const flyingMost = 2;
const rowsMost = 4_096;
/** A model that is stuck must not gather work without bound. */
const waitingMost = 256;

/** A model over rows of named features, wherever it was made: asks for what it needs, returns predictions by name. */
export class RowModel {
  readonly #model: Model;
  readonly #plan: ModelPlan;
  /** Places in a row, in the order in which the model wants them. */
  readonly #places: Int32Array;

  readonly #waiting: Waiting[] = [];
  #flying = 0;

  private constructor(model: Model, plan: ModelPlan, known: readonly string[]) {
    this.#model = model;
    this.#plan = plan;
    this.#places = Int32Array.from(plan.matrix?.features ?? plan.single, (name) => known.indexOf(name));
  }

  /** Refuses bytes that are no model, inputs that are no known features and outputs that predict nothing known. */
  static async load(
    inference: Inference,
    bytes: Uint8Array,
    names: { readonly known: readonly string[]; readonly predicted: readonly string[] },
  ): Promise<RowModel> {
    const model = await inference.load(bytes, { threads: 1 });
    const plan = planModel(model, names.known, names.predicted);
    if (typeof plan === 'string') {
      await model.release();
      throw new ForyouError('artifact-refused', `this model cannot rank: ${plan}`, { fix: 'name its inputs after features: foryou features list' });
    }
    return new RowModel(model, plan, names.known);
  }

  get predictions(): readonly string[] {
    return Object.keys(this.#plan.predictions);
  }

  /**
   * One number per row for each prediction. Throws `artifact-refused` when one is no number or has another shape.
   * While calls are on their way, those that come meanwhile wait and go as one: fewer turns of the model's thread.
   */
  predict(rows: Rows): Promise<Record<string, Float32Array>> {
    if (this.#waiting.length >= waitingMost) return Promise.reject(new ForyouError('unavailable', 'the model has too many calls waiting'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject });
      if (this.#flying < flyingMost) void this.#fly();
    });
  }

  async #fly(): Promise<void> {
    const turn: Waiting[] = [];
    for (let total = 0; this.#waiting.length > 0 && (turn.length === 0 || total + (this.#waiting[0] as Waiting).rows.places.length <= rowsMost); ) {
      const next = this.#waiting.shift() as Waiting;
      total += next.rows.places.length;
      turn.push(next);
    }
    if (turn.length === 0) return;
    this.#flying++;
    try {
      const all = await this.#predict(turn.map((w) => w.rows));
      let from = 0;
      for (const { rows, resolve } of turn) {
        const to = from + rows.places.length;
        resolve(turn.length === 1 ? all : Object.fromEntries(Object.entries(all).map(([name, column]) => [name, column.subarray(from, to)])));
        from = to;
      }
    } catch (error) {
      for (const { reject } of turn) reject(error as Error);
    } finally {
      this.#flying--;
      if (this.#waiting.length > 0) void this.#fly();
    }
  }

  async #predict(turn: readonly Rows[]): Promise<Record<string, Float32Array>> {
    const count = turn.reduce((sum, { places }) => sum + places.length, 0);
    const width = this.#places.length;
    const data = new Float32Array(count * width);
    let to = 0;
    for (const rows of turn) to = this.#gather(rows, data, to);
    const outputs = await this.#model.run(this.#plan.matrix ? { [this.#plan.matrix.input]: tensor(data, count, width) } : this.#columns(data, count));
    return Object.fromEntries(
      Object.entries(this.#plan.predictions).map(([name, { output, column }]) => [name, columnOf(outputs[output] as Tensor, count, column, name)]),
    );
  }

  /** Writes what the model wants of each row, from `to` on; returns where it ended. */
  #gather({ data, width, places }: Rows, into: Float32Array, to: number): number {
    const wanted = this.#places;
    let next = to;
    for (let r = 0; r < places.length; r++) {
      const from = (places[r] as number) * width;
      for (let c = 0; c < wanted.length; c++) into[next++] = data[from + (wanted[c] as number)] as number;
    }
    return next;
  }
  /** One tensor for each feature. */
  #columns(data: Float32Array, count: number): Record<string, Tensor> {
    const width = this.#places.length;
    return Object.fromEntries(
      this.#plan.single.map((name, c) => {
        const column = Float32Array.from({ length: count }, (_, r) => data[r * width + c] as number);
        return [name, this.#model.inputs[c]?.dims.length === 1 ? tensor(column, count) : tensor(column, count, 1)];
      }),
    );
  }

  release(): Promise<void> {
    return this.#model.release();
  }
}

function columnOf({ data, dims }: Tensor, rows: number, column: number, name: string): Float32Array {
  const width = data.length / rows;
  const at = column < 0 ? width - 1 : column;
  if (!Number.isInteger(width) || at >= width || dims[0] !== rows)
    throw new ForyouError('artifact-refused', `its output for ${name} has the shape [${dims.join(', ')}] for ${rows} rows`);
  const values = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    values[r] = Number(data[r * width + at]);
    if (!Number.isFinite(values[r])) throw new ForyouError('artifact-refused', `its output for ${name} is no number`);
  }
  return values;
}
