import type { Blobs } from '#infra/blobs/blobs.ts';
import type { Frames, Media } from '#infra/media/media.ts';
import type { VideoUploaded } from '#schemas/events/video-uploaded.ts';
import { mediaBucket, mediaKeys } from '#schemas/media/store.ts';
import { task } from '../engine/dag.ts';
import type { Inspectors } from './ports.ts';

/** One upload on its way; what tasks are given. */
export interface MediaJob extends Inspectors {
  readonly video: VideoUploaded;
  /** SHA-256 of the original, hex. */
  readonly sha256: string;
  /** The original as a local file. */
  readonly original: string;
  /** A folder that is gone when the job ends. */
  readonly scratch: string;
  readonly media: Media;
  readonly content: Content;
  /** Tracks and segments as files, by name, and frames by their size, while the job lasts. */
  readonly files: Map<string, Promise<string>>;
  readonly frames: Map<string, Promise<Frames>>;
  /** Says where a first rendition plays. */
  playable(url: string): void;
}

export const mediaTask = task<MediaJob>();

const types: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  vtt: 'text/vtt',
};

/**
 * Files of one content, named after its hash: two uploads of the same bytes share them, and nobody who does not
 * have the file can guess where they are.
 */
export class Content {
  readonly #blobs: Blobs;
  readonly prefix: string;
  readonly sha256: string;
  readonly #baseUrl: string;

  constructor(blobs: Blobs, baseUrl: string, sha256: string) {
    this.#blobs = blobs;
    this.#baseUrl = baseUrl;
    this.sha256 = sha256;
    this.prefix = mediaKeys.content(sha256);
  }
  url(name: string): string {
    return `${this.#baseUrl}/${this.prefix}/${name}`;
  }
  async put(name: string, body: Buffer | string): Promise<void> {
    await this.#blobs.put(mediaBucket, `${this.prefix}/${name}`, Buffer.from(body), types[name.split('.').at(-1) ?? '']);
  }
  get(name: string): Promise<Buffer | null> {
    return this.#blobs.get(mediaBucket, `${this.prefix}/${name}`);
  }
}
