import './no-telemetry.ts';
import { ThreadCalls } from '../threads/calls.ts';
import type { Inference, Model, ModelInput, Tensor } from './inference.ts';

export type InferenceCall = { readonly model: number } & (
  | { readonly what: 'load'; readonly bytes: Uint8Array; readonly threads: number }
  | { readonly what: 'run'; readonly feeds: Readonly<Record<string, Tensor>> }
  | { readonly what: 'release' }
);

/** ONNX Runtime in a thread of its own, because its `run` holds the thread. Tensors travel both ways without a copy. */
export class ThreadedInference implements Inference {
  readonly calls = new ThreadCalls(new URL('./onnx-worker.ts', import.meta.url), 'the models');
  #next = 0;

  async load(bytes: Uint8Array, { threads = 1 }: { readonly threads?: number } = {}): Promise<Model> {
    const model = this.#next++;
    type About = { inputs: ModelInput[]; outputs: ModelInput[]; metadata: Record<string, string> };
    const about = await this.#ask<About>({ what: 'load', model, bytes, threads });
    return {
      ...about,
      run: (feeds) =>
        this.#ask(
          { what: 'run', model, feeds },
          Object.values(feeds).map((t) => t.data.buffer as ArrayBuffer),
        ),
      release: () => this.#ask({ what: 'release', model }),
    };
  }

  #ask<A>(call: InferenceCall, transfer: readonly ArrayBuffer[] = []): Promise<A> {
    return this.calls.call<A>(call, transfer);
  }

  close(): Promise<void> {
    return this.calls.close();
  }
}
