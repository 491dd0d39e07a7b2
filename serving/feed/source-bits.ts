import { sourceNames } from '#schemas/features/ranking.ts';

/** Sources in the order of their bits: first those that a feature says of, then the others. */
export const sourceOrder: readonly string[] = [...sourceNames, 'live-now'];

/** The bit of a source; 0 for none of them. */
export const sourceBit = (name: string): number => (1 << (sourceOrder.indexOf(name) + 1)) >>> 1;
