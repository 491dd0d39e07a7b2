import type { ProcessLimits } from '#schemas/config/media.ts';
import type { Rendition } from '#schemas/media/ladder.ts';
import type { Segment } from '#schemas/media/playback.ts';
import type { Rejection } from '#schemas/media/rejection.ts';
import { ForyouError } from '../errors.ts';

/** The file itself is at fault: trying again would end the same way. */
export class Refusal extends ForyouError {
  readonly reason: Rejection;
  constructor(reason: Rejection, detail: string, options: { cause?: unknown } = {}) {
    super('media-refused', detail, options);
    this.reason = reason;
  }
}

export interface Picture {
  readonly codec: string;
  /** Pixels as it is shown: rotated, with square pixels. */
  readonly width: number;
  readonly height: number;
  /** Average rate of the file, at most what is allowed. */
  readonly framesPerSecond: number;
  readonly variableRate: boolean;
  readonly hdr: boolean;
  /** Degrees clockwise that a player turns it by. */
  readonly rotation: number;
}
export interface Sound {
  readonly codec: string;
  readonly channels: number;
  readonly sampleRate: number;
}
export interface Probe {
  readonly container: string;
  readonly durationMs: number;
  readonly picture: Picture;
  readonly sound: Sound | null;
}

/** As EBU R128 and ITU-R BS.1770 measure it; null for silence. */
export interface Loudness {
  /** LUFS over the whole. */
  readonly integrated: number;
  /** dBTP. */
  readonly truePeak: number;
  /** LU. */
  readonly range: number;
}

/** Frames in a row, RGB, 8 bits each: `width * height * 3` bytes a frame. */
export interface Frames {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly count: number;
  readonly pixels: Buffer;
}

export interface Call {
  /** How long the file says that it is, in milliseconds; more than a tenth beyond it is not read. */
  readonly durationMs: number;
  readonly limits: ProcessLimits;
  readonly signal?: AbortSignal;
}

export interface Made {
  readonly segments: number;
  readonly seconds: number;
}

/** Frames at an even pace, of exactly this size. */
export interface Look {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}

export interface RenditionsCall extends Omit<Call, 'durationMs'> {
  readonly file: string;
  readonly probe: Probe;
  readonly renditions: readonly Rendition[];
  /** Each rendition is written to a folder of its name in here: init.mp4, and 00000.m4s and so on. */
  readonly into: string;
  /** What an earlier call made: so many segments of each rendition, of so many seconds together. They are passed over. */
  readonly made?: Made;
  /** Frames that are taken from the same decode, scaled from the picture of one of the renditions. */
  readonly look?: Look & { readonly of: Rendition };
  /** Told once for each segment that is whole, in order for each rendition. */
  readonly onSegment?: (rendition: Rendition, segment: Segment) => void;
  /** Milliseconds of the source that are done. */
  readonly onProgress?: (doneMs: number) => void;
}

/**
 * What is done with files of strangers. Every call reads one file in a process of its own: it may use the formats of
 * a closed list, no network, no other file, and no more than its limits. Bad files are a `Refusal`.
 */
export interface Media {
  probe(file: string, call: Omit<Call, 'durationMs'>): Promise<Probe>;
  /** Of a file that may have a sound alone. */
  probeSound(file: string, call: Omit<Call, 'durationMs'>): Promise<{ readonly durationMs: number }>;
  /** All renditions from one decode. Returns the segments of each that this call made, and the frames that were asked for. */
  renditions(call: RenditionsCall): Promise<{ readonly segments: readonly (readonly Segment[])[]; readonly frames: Frames | null }>;
  /** Null for silence. */
  loudness(file: string, call: Call): Promise<Loudness | null>;
  /** The sound as AAC, louder or softer by `gainDb` and never above -1 dBTP, in segments beside `init.mp4` in `into`. */
  soundTrack(file: string, gainDb: number, into: string, call: Call): Promise<readonly Segment[]>;
  /** Frames over the whole. */
  frames(file: string, look: Look, call: Call): Promise<Frames>;
  /** One picture (JPEG) of the moment, scaled to `width` x `height`. */
  still(file: string, atMs: number, size: { width: number; height: number }, call: Omit<Call, 'durationMs'>): Promise<Buffer>;
  /** A short animated WebP from `atMs` on. */
  animation(file: string, span: { atMs: number; lengthMs: number; width: number; height: number }, call: Omit<Call, 'durationMs'>): Promise<Buffer>;
  /** The sound as it is played, one channel, -1 to 1, at so many samples a second. */
  samples(file: string, rate: number, call: Call): Promise<Float32Array>;
  /** Chromaprint's numbers, about eight a second, of the sound as it is played: at another speed, pitch and all, or from a moment on. */
  fingerprint(file: string, call: Call, played?: { readonly speed: number; readonly skipMs: number }): Promise<Uint32Array>;
}
