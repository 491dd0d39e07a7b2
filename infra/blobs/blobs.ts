import { mediaBucket, quarantine } from '#schemas/media/store.ts';

/** Object storage. Keys are paths with `/`; an object is replaced as a whole or not at all. */
export interface Blobs {
  createBucket(bucket: string): Promise<void>;
  /** `contentType` is what the store says of it to whoever reads it by URL. */
  put(bucket: string, key: string, body: Buffer, contentType?: string): Promise<void>;
  /** Streams a file of at most 5 GiB into the object. */
  putFrom(bucket: string, key: string, file: string): Promise<void>;
  /** Streams the object into a file and hashes it on the way (SHA-256, hex); null when there is none. */
  fetchTo(bucket: string, key: string, file: string): Promise<{ readonly bytes: number; readonly sha256: string } | null>;
  /** Writes only if the key does not exist; false when it did. */
  putNew(bucket: string, key: string, body: Buffer): Promise<boolean>;
  /** Writes only if the key still has this tag, or does not exist for null; false when somebody else wrote. */
  putIf(bucket: string, key: string, body: Buffer, tag: string | null): Promise<boolean>;
  getTagged(bucket: string, key: string): Promise<{ readonly body: Buffer; readonly tag: string } | null>;
  get(bucket: string, key: string): Promise<Buffer | null>;
  list(bucket: string, prefix: string): Promise<string[]>;
  remove(bucket: string, key: string): Promise<void>;
}
/** Buckets of the platform, made by `foryou up`. */
export const buckets = ['foryou-artifacts', 'foryou-history', 'foryou-features', 'foryou-training', quarantine, mediaBucket] as const;
