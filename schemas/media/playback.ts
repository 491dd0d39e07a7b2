/** What a player needs of one rendition; sizes in bytes, durations in seconds. */
export interface Segment {
  readonly name: string;
  readonly seconds: number;
  readonly bytes: number;
}

/** One track of a stream: a picture in one size, or the sound. */
export interface Track {
  /** Folder below the content's own. */
  readonly folder: string;
  /** RFC 6381, for example avc1.64001f. */
  readonly codec: string;
  readonly initBytes: number;
  readonly segments: readonly Segment[];
}

export interface PictureTrack extends Track {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}
