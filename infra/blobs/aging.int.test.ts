import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { originalsAge, quarantine } from '#schemas/media/store.ts';
import { sharedConfig } from '../testing/shared-stack.ts';
import { S3Uploads, uploadsOf } from './s3-uploads.ts';

/** A store that keeps the rules of a bucket as it was sent them (Amazon S3 API, PutBucketLifecycleConfiguration), for the native one has no classes. */
let store: Server;
let rules = '';
beforeAll(async () => {
  store = createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    if (!request.url?.includes('lifecycle')) return void response.writeHead(500).end();
    if (request.method === 'PUT') rules = body;
    if (request.method === 'GET' && rules === '') return void response.writeHead(404).end('<Error><Code>NoSuchLifecycleConfiguration</Code></Error>');
    response.writeHead(200, { 'content-type': 'application/xml' }).end(request.method === 'GET' ? rules : '');
  });
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => store.close(resolve)));

test('old originals move to cheaper classes by rules of the store; one without classes says so', async () => {
  const endpoint = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
  const uploads = new S3Uploads({ endpoint, publicEndpoint: endpoint, accessKey: 'a', secretKey: 'b' });
  expect(await uploads.ages(quarantine)).toEqual([]);
  expect(await uploads.age(quarantine, originalsAge)).toBe(true);
  expect(rules).toMatch(/<Prefix>originals\/<\/Prefix>.*<Days>30<\/Days><StorageClass>STANDARD_IA<\/StorageClass>.*<Days>180<\/Days><StorageClass>GLACIER_IR/s);
  expect(await uploads.ages(quarantine)).toEqual(originalsAge);

  const native = uploadsOf(sharedConfig(inject('stackEnvironment')));
  expect(await native.age(quarantine, originalsAge)).toBe(false);
  expect(await native.ages(quarantine)).toBeNull();
});
