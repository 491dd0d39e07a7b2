import type { MatMul } from '#infra/inference/matmul.ts';
import type { Neighbours } from './neighbours.ts';

/** Features of items: items x dims. */
export interface ItemFeatures {
  readonly dims: number;
  readonly data: Float32Array;
}

const block = 512;

/**
 * The nearest items by cosine of their centred features, exact; where several kinds of features
 * exist, each gives its own neighbours and its share of the weight (latent item graphs as in
 * LATTICE, Zhang et al., 2021). Items without features (all zeros) have no neighbours.
 */
export async function contentNeighbours(matmul: MatMul, kinds: readonly ItemFeatures[], each: number): Promise<Neighbours> {
  const items = (kinds[0] as ItemFeatures).data.length / (kinds[0] as ItemFeatures).dims;
  const width = each * kinds.length;
  const id = new Int32Array(items * width).fill(-1);
  const weight = new Float32Array(items * width);
  for (const kind of kinds) {
    const unit = centred(kind);
    for (let from = 0; from < items; from += block) {
      const to = Math.min(items, from + block);
      const cosines = await matmul.timesTransposed(unit.slice(from * kind.dims, to * kind.dims), unit, kind.dims);
      for (let i = from; i < to; i++) nearest(cosines.subarray((i - from) * items, (i - from + 1) * items), i, each, id, weight, width);
    }
  }
  return { width, id, weight };
}

function centred({ dims, data }: ItemFeatures): Float32Array {
  const items = data.length / dims;
  const mean = new Float64Array(dims);
  let present = 0;
  for (let i = 0; i < items; i++) {
    if (!hasFeatures(data, i, dims)) continue;
    present++;
    for (let k = 0; k < dims; k++) (mean[k] as number) += data[i * dims + k] as number;
  }
  const unit = new Float32Array(data.length);
  for (let i = 0; i < items; i++) {
    if (!hasFeatures(data, i, dims)) continue;
    let norm = 0;
    for (let k = 0; k < dims; k++) norm += (unit[i * dims + k] = (data[i * dims + k] as number) - (mean[k] as number) / present) ** 2;
    norm = Math.sqrt(norm) || 1;
    for (let k = 0; k < dims; k++) (unit[i * dims + k] as number) /= norm;
  }
  return unit;
}

const hasFeatures = (data: Float32Array, item: number, dims: number): boolean => {
  for (let k = item * dims; k < (item + 1) * dims; k++) if (data[k] !== 0) return true;
  return false;
};

/** Adds the `count` highest of one row of cosines behind the neighbours that the item has. */
function nearest(cosines: Float32Array, item: number, count: number, id: Int32Array, weight: Float32Array, width: number): void {
  let at = item * width;
  while ((id[at] as number) >= 0) at++;
  cosines[item] = -1;
  const best = topIndices(cosines, count);
  for (const other of best) {
    if ((cosines[other] as number) <= 0) break;
    id[at] = other;
    weight[at++] = cosines[other] as number;
  }
}

/** Places of the `count` highest values, highest first; ties go to the lower place. */
export function topIndices(values: Float32Array, count: number): number[] {
  const best: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (best.length === count && value <= least) continue;
    let at = best.length;
    while (at > 0 && (values[best[at - 1] as number] as number) < value) at--;
    best.splice(at, 0, i);
    if (best.length > count) best.pop();
    least = values[best[best.length - 1] as number] as number;
  }
  return best;
}
