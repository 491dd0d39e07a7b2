/** For each item its nearest others, strongest first: `width` places an item, -1 where there are fewer. */
export interface Neighbours {
  readonly width: number;
  /** items x width */
  readonly id: Int32Array;
  readonly weight: Float32Array;
}

/** Adds `share` times the weighted mean of the neighbours' vectors of `item` to `into` at `at`. */
export function addNeighbours(vectors: Float32Array, dims: number, n: Neighbours, item: number, share: number, into: Float32Array, at: number): void {
  let total = 0;
  const from = item * n.width;
  for (let j = from; j < from + n.width; j++) if ((n.id[j] as number) >= 0) total += n.weight[j] as number;
  if (total <= 0) return;
  for (let j = from; j < from + n.width && (n.id[j] as number) >= 0; j++) {
    const w = (share * (n.weight[j] as number)) / total;
    const other = (n.id[j] as number) * dims;
    for (let k = 0; k < dims; k++) (into[at + k] as number) += w * (vectors[other + k] as number);
  }
}
