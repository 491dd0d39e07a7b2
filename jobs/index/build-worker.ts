import { HnswIndexes } from '#infra/vectors/hnsw.ts';
import type { IndexSettings } from '#infra/vectors/vectors.ts';
import { answerMessages } from '../engine/threads.ts';

export interface BuildMessage {
  readonly vectors: Float32Array;
  readonly dims: number;
  readonly settings: IndexSettings;
}

// A thread's root: it connects the one adapter that it needs.
answerMessages(({ vectors, dims, settings }: BuildMessage) => new HnswIndexes().build(vectors, dims, settings));
