import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { ForyouError } from '../errors.ts';
import type { Blobs } from './blobs.ts';

export class MemoryBlobs implements Blobs {
  readonly #buckets = new Map<string, Map<string, Buffer>>();

  #bucket(name: string): Map<string, Buffer> {
    const found = this.#buckets.get(name);
    if (!found) throw new ForyouError('unavailable', `bucket ${name} does not exist`);
    return found;
  }
  async createBucket(bucket: string): Promise<void> {
    if (!this.#buckets.has(bucket)) this.#buckets.set(bucket, new Map());
  }
  async put(bucket: string, key: string, body: Buffer): Promise<void> {
    this.#bucket(bucket).set(key, Buffer.from(body));
  }
  async putFrom(bucket: string, key: string, file: string): Promise<void> {
    await this.put(bucket, key, await readFile(file));
  }
  async fetchTo(bucket: string, key: string, file: string): Promise<{ bytes: number; sha256: string } | null> {
    const body = await this.get(bucket, key);
    if (!body) return null;
    await writeFile(file, body);
    return { bytes: body.length, sha256: tagOf(body) };
  }
  async putNew(bucket: string, key: string, body: Buffer): Promise<boolean> {
    if (this.#bucket(bucket).has(key)) return false;
    await this.put(bucket, key, body);
    return true;
  }
  async putIf(bucket: string, key: string, body: Buffer, tag: string | null): Promise<boolean> {
    // Compared and written in one turn: nobody comes in between.
    const found = this.#bucket(bucket).get(key);
    if ((found ? tagOf(found) : null) !== tag) return false;
    this.#bucket(bucket).set(key, Buffer.from(body));
    return true;
  }
  async getTagged(bucket: string, key: string): Promise<{ body: Buffer; tag: string } | null> {
    const body = await this.get(bucket, key);
    return body && { body, tag: tagOf(body) };
  }
  async get(bucket: string, key: string): Promise<Buffer | null> {
    return this.#bucket(bucket).get(key) ?? null;
  }
  async list(bucket: string, prefix: string): Promise<string[]> {
    return [...this.#bucket(bucket).keys()].filter((key) => key.startsWith(prefix)).sort();
  }
  async remove(bucket: string, key: string): Promise<void> {
    this.#bucket(bucket).delete(key);
  }
}

const tagOf = (body: Buffer): string => createHash('sha256').update(body).digest('hex');
