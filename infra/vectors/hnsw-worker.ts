import { answerCalls } from '../threads/calls.ts';
import { HnswIndexes } from './hnsw.ts';
import type { IndexCall } from './threaded.ts';
import type { VectorIndex } from './vectors.ts';

const indexes = new HnswIndexes();
const loaded = new Map<number, VectorIndex>();

answerCalls(async (call: IndexCall) => {
  if (call.what === 'load') {
    const { bytes, expected } = call;
    loaded.set(call.index, await indexes.load(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), expected));
    return { value: null };
  }
  const index = loaded.get(call.index);
  if (!index) throw new TypeError(`index ${call.index} is not loaded`);
  if (call.what === 'release') {
    loaded.delete(call.index);
    await index.release();
    return { value: null };
  }
  return { value: await index.search(call.queries, call.k) };
});
