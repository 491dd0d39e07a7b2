import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ForyouError } from '../errors.ts';
import type { Blobs } from './blobs.ts';

export const statusOf = (error: unknown): number | undefined => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** Null when the store answered with one of the expected statuses. */
export async function tried<T>(call: () => Promise<T>, expected: readonly number[] = []): Promise<T | null> {
  try {
    return await call();
  } catch (cause) {
    if (expected.includes(statusOf(cause) ?? 0)) return null;
    throw new ForyouError('unavailable', 'the object store did not do as asked', { cause, fix: 'check it: foryou status' });
  }
}

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
    await tried(() => this.#client.send(new CreateBucketCommand({ Bucket: bucket })), [409]);
  }
  async put(bucket: string, key: string, body: Buffer, contentType?: string): Promise<void> {
    const type = contentType ? { ContentType: contentType } : {};
    await tried(() => this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...type })));
  }
  async putFrom(bucket: string, key: string, file: string): Promise<void> {
    const { size } = await stat(file);
    await tried(() => this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: createReadStream(file), ContentLength: size })));
  }
  async fetchTo(bucket: string, key: string, file: string): Promise<{ bytes: number; sha256: string } | null> {
    const fetched = async () => {
      const found = await this.#client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const hash = createHash('sha256');
      let bytes = 0;
      const hashed = async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      };
      await pipeline(found.Body as Readable, hashed, createWriteStream(file));
      return { bytes, sha256: hash.digest('hex') };
    };
    return tried(fetched, [404]);
  }
  async putNew(bucket: string, key: string, body: Buffer): Promise<boolean> {
    const put = () => this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, IfNoneMatch: '*' }));
    return (await tried(put, [409, 412])) !== null;
  }
  async putIf(bucket: string, key: string, body: Buffer, tag: string | null): Promise<boolean> {
    if (tag === null) return this.putNew(bucket, key, body);
    const put = () => this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, IfMatch: tag }));
    return (await tried(put, [404, 409, 412])) !== null;
  }
  async getTagged(bucket: string, key: string): Promise<{ body: Buffer; tag: string } | null> {
    const found = await tried(() => this.#client.send(new GetObjectCommand({ Bucket: bucket, Key: key })), [404]);
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
      const page = await tried(() =>
        this.#client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(token ? { ContinuationToken: token } : {}) })),
      );
      for (const object of page?.Contents ?? []) if (object.Key) keys.push(object.Key);
      token = page?.NextContinuationToken;
    } while (token);
    return keys.sort();
  }
  async remove(bucket: string, key: string): Promise<void> {
    await tried(() => this.#client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })));
  }
}
