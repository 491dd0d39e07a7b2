export interface Hits {
  /** Labels, best first. */
  readonly labels: Int32Array;
  /** Dot products with the query. */
  readonly scores: Float32Array;
}

/** An immutable index of vectors by label, searched by dot product. */
export interface VectorIndex {
  readonly dims: number;
  readonly count: number;
  /** `queries` is n x dims; the best `k` of each, in their order. */
  search(queries: Float32Array, k: number): Promise<readonly Hits[]>;
  release(): Promise<void>;
}

/** What a viewer answered, by the labels of an index, and the confidence of each, above 0. */
export interface Answers {
  readonly labels: Int32Array;
  readonly weights: Float32Array;
}

/** A viewer's vector, and what is near it in the index. */
export interface Located {
  readonly vector: Float32Array;
  readonly hits: Hits;
}

/** An index that also knows how the vector of a viewer follows from those of what he answered. */
export interface ViewerIndex extends VectorIndex {
  /** The vector of a viewer (`FoldIn`), and the best `k` for it. */
  locate(answers: Answers, k: number): Promise<Located>;
}

/** All that a viewer's vector follows from: item vectors in the basis where alpha VᵀV is diagonal, that diagonal, and the settings. */
export interface FoldInModel {
  readonly dims: number;
  /** items x dims; in shared memory it reaches another thread without a copy. */
  readonly items: Float32Array;
  readonly eigen: Float64Array;
  readonly alpha: number;
  readonly reg: number;
  readonly nu: number;
}

export interface IndexSettings {
  /** Links per vector and layer, width of the search while building, width while searching (HNSW: Malkov, Yashunin, 2018). */
  readonly m: number;
  readonly efConstruction: number;
  readonly ef: number;
  readonly seed: number;
}

export interface IndexShape {
  readonly count: number;
  readonly dims: number;
  readonly ef: number;
}

export interface IndexBuilder {
  /** `vectors` is count x dims; the label of a vector is its place. Holds the thread. */
  build(vectors: Float32Array, dims: number, settings: IndexSettings): Buffer;
}
export interface IndexLoader {
  /** Refuses bytes that hold another count or width than asked for. May take the memory of `bytes`. */
  load(bytes: Buffer, expected: IndexShape): Promise<VectorIndex>;
  /** The same for an index that viewers are folded in beside. */
  loadViewers(bytes: Buffer, expected: IndexShape, model: FoldInModel): Promise<ViewerIndex>;
}
