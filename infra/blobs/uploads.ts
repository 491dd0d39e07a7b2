/** A part that the store has, as the store says. */
export interface StoredPart {
  readonly part: number;
  readonly bytes: number;
  readonly tag: string;
}
export interface OpenUpload {
  readonly key: string;
  readonly id: string;
  readonly startedAtMs: number;
}

/** What is this old moves to a cheaper class of storage. */
export interface AgeRule {
  readonly prefix: string;
  readonly afterDays: number;
  readonly storageClass: 'STANDARD_IA' | 'GLACIER_IR';
}

/** Uploads in parts that clients send to the object store themselves, by URLs that allow just that part. */
export interface Uploads {
  begin(bucket: string, key: string, contentType: string): Promise<string>;
  /** A URL to PUT exactly `bytes` bytes to, for `seconds`. Parts count from 1. */
  partUrl(bucket: string, key: string, id: string, part: number, bytes: number, seconds: number): Promise<string>;
  /** What has arrived; null when the upload is not open (any more). */
  parts(bucket: string, key: string, id: string): Promise<readonly StoredPart[] | null>;
  /** Makes the object of exactly these parts; false when the upload is not open (any more), or a part is another one. */
  complete(bucket: string, key: string, id: string, parts: readonly StoredPart[]): Promise<boolean>;
  abort(bucket: string, key: string, id: string): Promise<void>;
  /** Uploads that are neither complete nor aborted. */
  open(bucket: string): Promise<readonly OpenUpload[]>;
  /** Bytes of the object; null when there is none. */
  size(bucket: string, key: string): Promise<number | null>;
  /** Has the store move old objects by itself, by these rules and no others; false where it has no classes. */
  age(bucket: string, rules: readonly AgeRule[]): Promise<boolean>;
  /** The rules that hold, null where the store has no classes. */
  ages(bucket: string): Promise<readonly AgeRule[] | null>;
  /** Lets pages of these origins send parts and read media; anybody may read below `publicPrefixes`. */
  share(
    bucket: string,
    rules: { readonly origins: readonly string[]; readonly methods: readonly ('GET' | 'PUT' | 'HEAD')[]; readonly publicRead: boolean },
  ): Promise<void>;
}
