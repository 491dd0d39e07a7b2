import { Worker } from 'node:worker_threads';
import { ForyouError } from '../errors.ts';
import type { Inference, Model, ModelInput, Tensor } from './inference.ts';

export type WorkerRequest = { readonly id: number; readonly model: number } & (
  | { readonly what: 'load'; readonly bytes: Uint8Array; readonly threads: number }
  | { readonly what: 'run'; readonly feeds: Readonly<Record<string, Tensor>> }
  | { readonly what: 'release' }
);
export interface WorkerAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}
type Body = WorkerRequest extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never;

/**
 * ONNX Runtime in a thread of its own, because its `run` holds the thread: requests that wait for a
 * prediction do not hold those that do not. A thread that died is replaced at the next load.
 */
export class ThreadedInference implements Inference {
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 0;

  async load(bytes: Uint8Array, { threads = 1 }: { readonly threads?: number } = {}): Promise<Model> {
    const model = this.#next++;
    type About = { inputs: ModelInput[]; outputs: ModelInput[]; metadata: Record<string, string> };
    const about = (await this.#ask({ what: 'load', model, bytes, threads })) as About;
    return {
      ...about,
      run: (feeds) => this.#ask({ what: 'run', model, feeds }) as Promise<Record<string, Tensor>>,
      release: async () => {
        await this.#ask({ what: 'release', model });
      },
    };
  }

  #ask(body: Body): Promise<unknown> {
    this.#worker ??= this.#start();
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker?.postMessage({ id, ...body });
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./onnx-worker.ts', import.meta.url), { execArgv: [] });
    worker.unref();
    worker.on('message', ({ id, value, error }: WorkerAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (!error) waiting?.resolve(value);
      else waiting?.reject(error.code === 'artifact-refused' ? new ForyouError('artifact-refused', error.message) : new Error(error.message));
    });
    worker.on('error', (cause) => {
      this.#worker = null;
      for (const { reject } of this.#waiting.values()) reject(new ForyouError('unavailable', 'the thread of the models ended', { cause }));
      this.#waiting.clear();
    });
    return worker;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
  }
}
