import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { datasetOf, readInteractions } from '../../jobs/evaluate/interactions.ts';
import { type Features, readNpy } from '../../jobs/evaluate/npy.ts';
import { trainAls } from '../../jobs/vectors/als.ts';
import { marginalRelevance } from '../../serving/ranking/variety.ts';
import { readConfig } from '../config.ts';
import type { BenchRow } from './row.ts';

const considered = 60;
const shown = 10;

/**
 * The other usual way to a varied list: greedy MAP inference of a determinantal point process whose kernel is
 * quality x likeness x quality (Chen, Zhang, Zhou, 2018). `sharpness` says how much quality counts.
 */
function determinantal(scores: Float64Array, likeness: (a: number, b: number) => number, sharpness: number, count: number): number[] {
  const n = scores.length;
  const [least, largest] = [Math.min(...scores), Math.max(...scores)];
  const quality = scores.map((s) => Math.exp((sharpness * (s - least)) / (largest - least || 1)));
  const gain = quality.map((q) => q * q);
  const rows: Float64Array[] = [];
  const chosen: number[] = [];
  const taken = new Uint8Array(n);
  while (chosen.length < Math.min(count, n)) {
    let best = -1;
    for (let i = 0; i < n; i++) if (!taken[i] && (best < 0 || (gain[i] as number) > (gain[best] as number))) best = i;
    taken[best] = 1;
    chosen.push(best);
    const root = Math.sqrt(Math.max(gain[best] as number, 1e-12));
    const row = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      if (taken[i]) continue;
      let value = (quality[best] as number) * (quality[i] as number) * likeness(best, i);
      for (const before of rows) value -= (before[best] as number) * (before[i] as number);
      row[i] = value / root;
      gain[i] = (gain[i] as number) - (row[i] as number) ** 2;
    }
    rows.push(row);
  }
  return chosen;
}

const cosine = (data: Float32Array, dims: number, a: number, b: number): number => {
  let [ab, aa, bb] = [0, 0, 0];
  for (let d = 0; d < dims; d++) {
    const [x, y] = [data[a * dims + d] as number, data[b * dims + d] as number];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
};

/** Mean distance of the pictures of the items of a list: a judge of variety that no method has seen. */
function pictureDistance(pictures: Features, list: readonly number[]): number {
  let [sum, n] = [0, 0];
  for (let i = 0; i < list.length; i++)
    for (let j = 0; j < i; j++) {
      sum += 1 - cosine(pictures.data, pictures.dims, list[i] as number, list[j] as number);
      n++;
    }
  return sum / Math.max(1, n);
}

/** What variety costs in relevance: lists of ten for the users of TikTok's validation part, by both methods and several weights. */
export async function variety(say: (line: string) => void): Promise<BenchRow[]> {
  const folder = join(readConfig().sharedData, 'rec/diffmm/tiktok');
  if (!existsSync(folder)) {
    say('  there is no TikTok data beside this checkout: nothing is measured');
    return [];
  }
  const pictures = await readNpy(join(folder, 'image_feat.npy'));
  const { users, items, histories, matrix } = datasetOf(await readInteractions([join(folder, 'trn.tsv')]));
  const wanted = await readInteractions([join(folder, 'val.tsv')]);
  const dims = 64;
  const factors = await trainAls(matrix, { dims, iterations: 8, alpha: 0.003, reg: 0.3, nu: 0.5, content: 0, seed: 1 });
  const methods: [string, (s: Float64Array, like: (a: number, b: number) => number) => number[]][] = [
    ['order of the scores', (s) => [...s.keys()].slice(0, shown)],
    ...[0.1, 0.2, 0.3, 0.5].map((w): (typeof methods)[number] => [`mmr ${w}`, (s, like) => marginalRelevance(s, like, w, shown)]),
    ...[8, 4, 2, 1].map((w): (typeof methods)[number] => [`dpp ${w}`, (s, like) => determinantal(s, like, w, shown)]),
  ];
  const sums = methods.map(() => ({ hits: 0, distance: 0, ms: 0 }));
  let [all, asked] = [0, 0];
  for (const [name, list] of wanted) {
    const user = users.find(name);
    const relevant = new Set(list.flatMap((i) => items.find(i) ?? []));
    if (user === undefined || relevant.size === 0) continue;
    const has = new Set(histories.item.subarray(histories.start[user], histories.start[user + 1]));
    const scores = new Float64Array(items.size);
    for (let i = 0; i < scores.length; i++) {
      if (has.has(i)) scores[i] = Number.NEGATIVE_INFINITY;
      else
        for (let d = 0; d < dims; d++) scores[i] = (scores[i] as number) + (factors.users[user * dims + d] as number) * (factors.items[i * dims + d] as number);
    }
    const head = [
      ...Int32Array.from(scores.keys())
        .sort((a, b) => (scores[b] as number) - (scores[a] as number))
        .subarray(0, considered),
    ];
    const own = Float64Array.from(head, (i) => scores[i] as number);
    const likeness = (a: number, b: number) => (a === b ? 1 : Math.max(0, cosine(factors.items, dims, head[a] as number, head[b] as number)));
    methods.forEach(([, choose], m) => {
      const began = performance.now();
      const chosen = choose(own, likeness).map((at) => head[at] as number);
      const sum = sums[m] as (typeof sums)[number];
      sum.ms += performance.now() - began;
      sum.hits += chosen.filter((i) => relevant.has(i)).length;
      sum.distance += pictureDistance(
        pictures,
        chosen.map((i) => Number(items.names[i])),
      );
    });
    all += relevant.size;
    asked++;
  }
  const plain = (sums[0]?.hits ?? 0) / all;
  return methods.map(([name], m) => {
    const { hits, distance, ms } = sums[m] as (typeof sums)[number];
    say(
      `  ${name}: recall@10 ${(hits / all).toFixed(4)}, distance of pictures ${(distance / asked).toFixed(4)}, ${((1_000 * ms) / asked).toFixed(0)} µs a list`,
    );
    const value = hits / all;
    return {
      name: `variety: ${name}, recall@10`,
      value,
      unit: `distance ${(distance / asked).toFixed(4)}`,
      opponent: 'order of the scores',
      opponentValue: plain,
      ratio: value / plain,
      target: null,
      runs: [value],
    };
  });
}
