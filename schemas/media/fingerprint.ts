/** Chromaprint gives a word of 32 bits for each step of this many seconds (4,096 samples at 11,025 Hz, two thirds overlapping). */
export const secondsPerWord = 1_365 / 11_025;

/** A word describes this much sound from its moment on: the classifier looks at 16 rows of chroma, smoothed over time. */
export const secondsOfWord = 2.66;
/** Words of a stretch of so many seconds. */
export const wordsIn = (seconds: number): number => Math.max(1, Math.floor((seconds - secondsOfWord) / secondsPerWord));

export interface Stretch {
  /** First word of the query, and how many follow. */
  readonly from: number;
  readonly length: number;
  /** Share of bits that differ. */
  readonly bitError: number;
}

function onesOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/**
 * The longest stretch over which a query, moved by `shift` words, is like a work: every window of `window` words in it
 * differs in at most `bitErrorMax` of its bits. Null where there is none, or where it hardly changes.
 */
export function likeStretch(
  query: Uint32Array,
  work: Uint32Array,
  shift: number,
  rules: { readonly window: number; readonly bitErrorMax: number; readonly distinctMin: number },
): Stretch | null {
  const from = Math.max(0, -shift);
  const to = Math.min(query.length, work.length - shift);
  const { window } = rules;
  if (to - from < window) return null;
  const errors = new Uint8Array(to - from);
  for (let i = 0; i < errors.length; i++) errors[i] = onesOf(((query[from + i] as number) ^ (work[from + i + shift] as number)) >>> 0);
  const most = rules.bitErrorMax * 32 * window;
  let best: Stretch | null = null;
  let sum = 0;
  let start = -1;
  const close = (end: number) => {
    if (start < 0) return;
    const length = end - start;
    const found = query.subarray(from + start, from + end);
    if (length > (best?.length ?? 0) && new Set(found).size >= rules.distinctMin * length) {
      const wrong = errors.subarray(start, end).reduce((total, e) => total + e, 0);
      best = { from: from + start, length, bitError: wrong / (32 * length) };
    }
    start = -1;
  };
  for (let i = 0; i < errors.length; i++) {
    sum += errors[i] as number;
    if (i >= window) sum -= errors[i - window] as number;
    if (i < window - 1) continue;
    if (sum <= most) start = start < 0 ? i - window + 1 : start;
    else close(i);
  }
  close(errors.length);
  return best;
}

/** Base64 of the words, the little end first. */
export const packWords = (words: Uint32Array): string => Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('base64');
export function unpackWords(text: string): Uint32Array {
  const bytes = Buffer.from(text, 'base64');
  return Uint32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readUInt32LE(4 * i));
}
