import { answerCalls } from '../threads/calls.ts';
import { withViewers } from './fold-in.ts';
import { HnswIndexes } from './hnsw.ts';
import type { IndexCall } from './threaded.ts';
import type { VectorIndex, ViewerIndex } from './vectors.ts';

const indexes = new HnswIndexes();
const loaded = new Map<number, VectorIndex | ViewerIndex>();

answerCalls(async (call: IndexCall) => {
  if (call.what === 'load') {
    const { bytes, expected, model } = call;
    const index = await indexes.load(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), expected);
    loaded.set(call.index, model ? withViewers(index, model) : index);
    return { value: null };
  }
  const index = loaded.get(call.index);
  if (!index) throw new TypeError(`index ${call.index} is not loaded`);
  if (call.what === 'release') {
    loaded.delete(call.index);
    await index.release();
    return { value: null };
  }
  if (call.what === 'search') return { value: await index.search(call.queries, call.k) };
  if (!('locate' in index)) throw new TypeError(`index ${call.index} was loaded without viewers`);
  return { value: await index.locate(call.answers, call.k) };
});
