import { CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ForyouError } from '../errors.ts';
import type { Blobs } from './blobs.ts';

const statusOf = (error: unknown): number | undefined => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** Any S3 endpoint. */
export class S3Blobs implements Blobs {
  readonly #client: S3Client;

  constructor(options: { endpoint: string; accessKey: string; secretKey: string }) {
    this.#client = new S3Client({
      endpoint: options.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: options.accessKey, secretAccessKey: options.secretKey },
    });
  }

  async createBucket(bucket: string): Promise<void> {
    await this.#tried(() => this.#client.send(new CreateBucketCommand({ Bucket: bucket })), [409]);
  }
  async put(bucket: string, key: string, body: Buffer): Promise<void> {
    await this.#tried(() => this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body })));
  }
  async putNew(bucket: string, key: string, body: Buffer): Promise<boolean> {
    const put = () => this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, IfNoneMatch: '*' }));
    return (await this.#tried(put, [409, 412])) !== null;
  }
  async putIf(bucket: string, key: string, body: Buffer, tag: string | null): Promise<boolean> {
    if (tag === null) return this.putNew(bucket, key, body);
    const put = () => this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, IfMatch: tag }));
    return (await this.#tried(put, [404, 409, 412])) !== null;
  }
  async getTagged(bucket: string, key: string): Promise<{ body: Buffer; tag: string } | null> {
    const found = await this.#tried(() => this.#client.send(new GetObjectCommand({ Bucket: bucket, Key: key })), [404]);
    if (!found?.Body) return null;
    const bytes = await found.Body.transformToByteArray();
    return { body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), tag: found.ETag ?? '' };
  }
  async get(bucket: string, key: string): Promise<Buffer | null> {
    return (await this.getTagged(bucket, key))?.body ?? null;
  }
  async list(bucket: string, prefix: string): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.#tried(() =>
        this.#client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(token ? { ContinuationToken: token } : {}) })),
      );
      for (const object of page?.Contents ?? []) if (object.Key) keys.push(object.Key);
      token = page?.NextContinuationToken;
    } while (token);
    return keys.sort();
  }
  async remove(bucket: string, key: string): Promise<void> {
    await this.#tried(() => this.#client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })));
  }

  /** Null when the store answered with one of the expected statuses. */
  async #tried<T>(call: () => Promise<T>, expected: readonly number[] = []): Promise<T | null> {
    try {
      return await call();
    } catch (cause) {
      if (expected.includes(statusOf(cause) ?? 0)) return null;
      throw new ForyouError('unavailable', 'the object store did not do as asked', { cause, fix: 'check it: foryou status' });
    }
  }
}
