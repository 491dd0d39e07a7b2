import type { Frames } from '#infra/media/media.ts';
import type { KnownPictures } from './known-pictures.ts';
import type { RegisteredWorks } from './registered-works.ts';

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

/** Makes one vector of what frames show; those of one version can be compared. */
export interface VisualEncoder {
  readonly version: string;
  readonly size: { readonly width: number; readonly height: number };
  encode(frames: Frames): Promise<Float32Array>;
}
/** Makes one vector of what is heard; `mels` as `logMel` gives them. */
export interface SoundEncoder {
  readonly version: string;
  encode(mels: Float32Array): Promise<Float32Array>;
}

/** Who looks at a file beside the tasks themselves, each as far as it is configured. */
export interface Inspectors {
  readonly scanner: VirusScanner | null;
  readonly classifier: PictureClassifier | null;
  readonly works: RegisteredWorks | null;
  readonly pictures: KnownPictures | null;
  readonly visualEncoder: VisualEncoder | null;
  readonly soundEncoder: SoundEncoder | null;
}
export const nobody: Inspectors = { scanner: null, classifier: null, works: null, pictures: null, visualEncoder: null, soundEncoder: null };
