import type { Frames } from '#infra/media/media.ts';

/** Looks for something harmful in a file; `unavailable` while it cannot: uploads then wait, they do not pass. */
export interface VirusScanner {
  /** The name of what was found, or null. */
  scan(file: string): Promise<string | null>;
  readonly version: string;
}

/** What a picture shows, by probability; the labels are the model's own. */
export interface PictureClassifier {
  readonly version: string;
  readonly labels: readonly string[];
  /** Pixels of the frames that it wants. */
  readonly size: { readonly width: number; readonly height: number };
  /** One row of probabilities for each frame, in the order of labels. */
  classify(frames: Frames): Promise<readonly Float32Array[]>;
}
