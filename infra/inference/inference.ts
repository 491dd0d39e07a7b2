/** Dense numbers with a shape, row-major. */
export interface Tensor {
  readonly data: Float32Array | BigInt64Array;
  readonly dims: readonly number[];
}
export interface ModelInput {
  readonly name: string;
  /** A string is a size that differs from call to call. */
  readonly dims: readonly (number | string)[];
}

/** A model that was loaded: tensors in, tensors out. `run` may take the memory of its feeds: they are not used again. */
export interface Model {
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly ModelInput[];
  readonly metadata: Readonly<Record<string, string>>;
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** Loads ONNX models. Bytes that are no model end in `artifact-refused`. */
export interface Inference {
  load(bytes: Uint8Array, options?: { readonly threads?: number }): Promise<Model>;
}

export const tensor = (data: Float32Array | BigInt64Array, ...dims: number[]): Tensor => ({ data, dims });
