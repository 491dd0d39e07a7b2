import { answerCalls } from '../threads/calls.ts';
import type { Model, Tensor } from './inference.ts';
import { OnnxRuntime } from './onnx-runtime.ts';
import type { InferenceCall } from './threaded.ts';

const runtime = new OnnxRuntime();
const models = new Map<number, Model>();

answerCalls(async (call: InferenceCall) => {
  if (call.what === 'load') {
    const model = await runtime.load(call.bytes, { threads: call.threads });
    models.set(call.model, model);
    return { value: { inputs: model.inputs, outputs: model.outputs, metadata: model.metadata } };
  }
  const model = models.get(call.model);
  if (!model) throw new TypeError(`model ${call.model} is not loaded`);
  if (call.what === 'release') {
    models.delete(call.model);
    await model.release();
    return { value: null };
  }
  const outputs: Record<string, Tensor> = await model.run(call.feeds);
  return { value: outputs, transfer: Object.values(outputs).map((t) => t.data.buffer as ArrayBuffer) };
});
