import { parentPort } from 'node:worker_threads';
import type { Model, Tensor } from './inference.ts';
import { OnnxRuntime } from './onnx-runtime.ts';
import type { WorkerAnswer, WorkerRequest } from './threaded.ts';

const runtime = new OnnxRuntime();
const models = new Map<number, Model>();

async function answer(request: WorkerRequest): Promise<{ value: unknown; transfer: ArrayBuffer[] }> {
  if (request.what === 'load') {
    const model = await runtime.load(request.bytes, { threads: request.threads });
    models.set(request.model, model);
    return { value: { inputs: model.inputs, outputs: model.outputs, metadata: model.metadata }, transfer: [] };
  }
  const model = models.get(request.model);
  if (!model) throw new TypeError(`model ${request.model} is not loaded`);
  if (request.what === 'release') {
    models.delete(request.model);
    await model.release();
    return { value: null, transfer: [] };
  }
  const outputs: Record<string, Tensor> = await model.run(request.feeds);
  return { value: outputs, transfer: Object.values(outputs).map((t) => t.data.buffer as ArrayBuffer) };
}

parentPort?.on('message', (request: WorkerRequest) => {
  answer(request).then(
    ({ value, transfer }) => parentPort?.postMessage({ id: request.id, value } satisfies WorkerAnswer, transfer),
    (error: { code?: string; message: string }) =>
      parentPort?.postMessage({ id: request.id, error: { code: error.code ?? '', message: error.message } } satisfies WorkerAnswer),
  );
});
