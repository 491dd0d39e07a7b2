import { scoreSteps } from '#schemas/features/layout.ts';
import { addLogWeights } from '#schemas/features/monoids.ts';

/**
 * Ranked keys of one entity as a log: entries one behind the other, in the order of their merges, little-endian:
 *   f64 score as `storedScore` of `layout.ts` | u16 bytes of the key | key
 * A key's weight is the sum of its entries. An entry with an empty key in front is the note of the last compaction
 * (`merge.lua`): its score is the length in bytes at which the next one is due.
 */
export const entryHeader = 10;

/** The best keys of a log, with the stored scores of their sums; of equal scores the key with the greater bytes first. */
export function readRankedLog(log: Buffer | null, limit: number): { keys: string[]; scores: number[] } {
  const sums = new Map<string, number>();
  for (let at = 0; log !== null && at < log.length; ) {
    const begin = at + entryHeader;
    const end = begin + log.readUInt16LE(at + 8);
    const key = log.toString('utf8', begin, end);
    const score = log.readDoubleLE(at) / scoreSteps;
    at = end;
    if (key === '') continue;
    const before = sums.get(key);
    sums.set(key, before === undefined ? score : addLogWeights(before, score));
  }
  const best = bestFirst(sums).slice(0, limit);
  return { keys: best.map(([key]) => key), scores: best.map(([, score]) => score) };
}

/** By score, and as a sorted set of Redis does where scores are equal. */
export const bestFirst = (sums: ReadonlyMap<string, number>): [key: string, score: number][] =>
  [...sums].sort(([ka, a], [kb, b]) => b - a || Buffer.compare(Buffer.from(kb), Buffer.from(ka)));
