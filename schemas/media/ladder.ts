/**
 * The ladder: which renditions a video gets. A rung is named after the shorter side of its picture, so that a
 * portrait video of 1080 x 1920 has a 1080p rung too.
 */
export interface Rung {
  readonly name: string;
  /** Pixels of the shorter side. */
  readonly shortSide: number;
  /** Highest rate that the encoder may reach over two seconds, in kbit/s at 30 frames a second. */
  readonly maxKbps: number;
  /** H.264 constant rate factor: lower is better and larger. */
  readonly crf: number;
}

export const rungs: readonly Rung[] = [
  { name: '144p', shortSide: 144, maxKbps: 250, crf: 26 },
  { name: '360p', shortSide: 360, maxKbps: 900, crf: 24 },
  { name: '720p', shortSide: 720, maxKbps: 2_800, crf: 23 },
  { name: '1080p', shortSide: 1_080, maxKbps: 5_500, crf: 23 },
  { name: '2160p', shortSide: 2_160, maxKbps: 16_000, crf: 23 },
];

/** Segments begin with a key frame at the same moments in every rendition. */
export const segmentSeconds = 2;

export interface Rendition extends Rung {
  /** Even, as 4:2:0 sampling wants it. */
  readonly width: number;
  readonly height: number;
}

/** Down, so that no side is above the source's. */
const even = (value: number): number => Math.max(2, 2 * Math.floor(value / 2 + 1e-9));

/**
 * Renditions for a picture as it is shown (rotated, with square pixels), the smallest first: every rung that is
 * not above the source; a source below all rungs keeps its own size.
 */
export function ladderFor(width: number, height: number): readonly Rendition[] {
  const short = Math.min(width, height);
  const chosen = rungs.filter((rung) => rung.shortSide <= short);
  const sized = chosen.length > 0 ? chosen : [{ ...(rungs[0] as Rung), name: `${even(short)}p`, shortSide: short }];
  return sized.map((rung) => {
    const scale = rung.shortSide / short;
    return { ...rung, width: even(width * scale), height: even(height * scale) };
  });
}
