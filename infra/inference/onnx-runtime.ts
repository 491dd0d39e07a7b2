import './no-telemetry.ts';
import * as ort from 'onnxruntime-node';
import { ForyouError } from '../errors.ts';
import type { Inference, Model, ModelInput, Tensor } from './inference.ts';
import { onnxMetadata } from './onnx-model.ts';

const shapes = (values: readonly ort.InferenceSession.ValueMetadata[]): ModelInput[] =>
  values.map((v) => ({ name: v.name, dims: v.isTensor ? v.shape.map((d) => (typeof d === 'number' && d < 0 ? 'n' : d)) : [] }));

/** ONNX Runtime on the CPU. */
export class OnnxRuntime implements Inference {
  async load(bytes: Uint8Array, options: { readonly threads?: number } = {}): Promise<Model> {
    const refuse = (cause: unknown): never => {
      throw new ForyouError('artifact-refused', `these bytes are no ONNX model that runs here: ${String((cause as Error).message).slice(0, 300)}`, { cause });
    };
    const session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: options.threads ?? 0,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    }).catch(refuse);
    return {
      inputs: shapes(session.inputMetadata),
      outputs: shapes(session.outputMetadata),
      metadata: onnxMetadata(bytes),
      async run(feeds) {
        const answer = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, native(t)])));
        return Object.fromEntries(Object.entries(answer).map(([name, t]) => [name, { data: t.data as Float32Array, dims: t.dims }]));
      },
      release: () => session.release(),
    };
  }
}

const native = ({ data, dims }: Tensor): ort.Tensor =>
  data instanceof Float32Array ? new ort.Tensor('float32', data, dims) : new ort.Tensor('int64', data, dims);
