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
}
