/** What an upload may be. A file past one of these is refused with a reason that its creator understands. */
export const mediaLimits = {
  version: 1,
  bytesMax: 4 * 2 ** 30,
  durationMsMin: 300,
  durationMsMax: 600_000,
  /** Width times height of one frame: 4096 x 2304 passes, and so does its portrait. */
  pixelsMax: 4096 * 2304,
  /** Longer side of one frame. */
  sideMax: 8_192,
  sideMin: 16,
  /** A file that says more is played at this rate. */
  framesPerSecondMax: 60,
  streamsMax: 16,
} as const;

/** What one child process that reads a stranger's file may use. */
export interface ProcessLimits {
  /** Seconds of processor time, all threads together. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Address space in bytes. */
  readonly memoryBytes: number;
  /** Largest single file that it may write, in bytes. */
  readonly fileBytes: number;
  /** Most bytes that it may print. */
  readonly outputBytes: number;
}

const mib = 2 ** 20;
export const processLimits = {
  probe: { cpuSeconds: 20, wallSeconds: 30, memoryBytes: 1_024 * mib, fileBytes: mib, outputBytes: 64 * mib },
  frames: { cpuSeconds: 300, wallSeconds: 300, memoryBytes: 2_048 * mib, fileBytes: 64 * mib, outputBytes: 512 * mib },
  audio: { cpuSeconds: 300, wallSeconds: 300, memoryBytes: 1_024 * mib, fileBytes: 256 * mib, outputBytes: 256 * mib },
  ladder: { cpuSeconds: 7_200, wallSeconds: 3_600, memoryBytes: 6_144 * mib, fileBytes: 1_024 * mib, outputBytes: 64 * mib },
} as const satisfies Record<string, ProcessLimits>;

/** Parts of an upload: all but the last have this size. S3 wants at least 5 MiB and at most 10,000 parts. */
export const uploadLimits = {
  partBytes: 8 * mib,
  /** A URL for a part can be used for so long. */
  urlSeconds: 3_600,
  /** An upload that nobody completes is swept after this. */
  abandonedAfterMs: 24 * 3_600_000,
  /** Per creator: uploads that are not complete yet, and completed ones within a day. */
  openMax: 10,
  perDayMax: 100,
  /** Containers that an app may say it sends; what a file really is, is found out by reading it. */
  types: [
    'video/mp4',
    'video/quicktime',
    'video/x-matroska',
    'video/webm',
    'video/mp2t',
    'video/x-msvideo',
    'video/x-flv',
    'video/3gpp',
    'video/3gpp2',
    'video/mpeg',
    'image/gif',
  ],
} as const;

/** How loud every video plays (EBU R128). */
export const loudnessTarget = {
  lufs: -14,
  /** More than this is not added or taken away: what is nearly silent would become noise. */
  gainMaxDb: 18,
} as const;

/** How closely a video is looked at, for its poster, its scenes and its rules. */
export const lookSettings = {
  framesMin: 3,
  framesMax: 240,
  framesPerSecondMax: 4,
  /** Frames that a picture model sees. */
  modelFramesMax: 60,
  /** Pixels of the longer side. */
  side: 192,
} as const;

/** When the pictures of two videos count as the same. */
export const copyRules = {
  /** Frames that are looked at, at most one a second. */
  framesMax: 60,
  /** Bits of 64 that may differ between two frames. */
  bitsMax: 8,
  /** Share of the frames that the other video must have. */
  shareMin: 0.5,
  /** Copies are often cut: beside the whole frame so much of its middle is known too. */
  cuts: [1, 0.9, 0.8],
  /** Flatter frames than this are like all others. */
  contrastMin: 12,
} as const;

/** When a video has chapters. */
export const chapterRules = {
  videoSecondsMin: 30,
  /** No chapter is shorter, and there are never more. */
  secondsMin: 8,
  most: 12,
  /** Colours of two chapters in a row differ by this at least: 0 same, 1 nothing in common. */
  distanceMin: 0.25,
} as const;
