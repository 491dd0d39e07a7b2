import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetBucketLifecycleConfigurationCommand,
  type GetBucketLifecycleConfigurationCommandOutput,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Config } from '../config.ts';
import { statusOf, tried } from './s3.ts';
import type { AgeRule, OpenUpload, StoredPart, Uploads } from './uploads.ts';

/** How stores say that they have no lifecycles, none of these classes, or none that we may set: Amazon's, MinIO's, gateways' over a file system. */
const noClasses = [400, 403, 405, 501];

/** Multipart uploads of any S3 endpoint; `publicEndpoint` is where clients reach it. */
export class S3Uploads implements Uploads {
  readonly #client: S3Client;
  readonly #signer: S3Client;

  constructor(options: { endpoint: string; publicEndpoint: string; accessKey: string; secretKey: string }) {
    const settings = { region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: options.accessKey, secretAccessKey: options.secretKey } };
    this.#client = new S3Client({ ...settings, endpoint: options.endpoint });
    // A checksum that the signer would add beforehand could not be that of the part.
    this.#signer = new S3Client({ ...settings, endpoint: options.publicEndpoint, requestChecksumCalculation: 'WHEN_REQUIRED' });
  }

  async begin(bucket: string, key: string, contentType: string): Promise<string> {
    const begun = await tried(() => this.#client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ContentType: contentType })));
    return begun?.UploadId as string;
  }
  partUrl(bucket: string, key: string, id: string, part: number, bytes: number, seconds: number): Promise<string> {
    const command = new UploadPartCommand({ Bucket: bucket, Key: key, UploadId: id, PartNumber: part, ContentLength: bytes });
    return getSignedUrl(this.#signer, command, { expiresIn: seconds });
  }
  async parts(bucket: string, key: string, id: string): Promise<readonly StoredPart[] | null> {
    const found: StoredPart[] = [];
    let marker: string | undefined;
    do {
      const command = new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: id, ...(marker ? { PartNumberMarker: marker } : {}) });
      const page = await tried(() => this.#client.send(command), [404]);
      if (!page) return null;
      for (const p of page.Parts ?? []) found.push({ part: p.PartNumber ?? 0, bytes: p.Size ?? 0, tag: p.ETag ?? '' });
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker);
    return found;
  }
  async complete(bucket: string, key: string, id: string, parts: readonly StoredPart[]): Promise<boolean> {
    const command = new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      UploadId: id,
      MultipartUpload: { Parts: parts.map((p) => ({ PartNumber: p.part, ETag: p.tag })) },
    });
    return (await tried(() => this.#client.send(command), [400, 404, 409, 412])) !== null;
  }
  async abort(bucket: string, key: string, id: string): Promise<void> {
    await tried(() => this.#client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id })), [404]);
  }
  async open(bucket: string): Promise<readonly OpenUpload[]> {
    const found: OpenUpload[] = [];
    let markers: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
    while (markers) {
      const from: { KeyMarker?: string; UploadIdMarker?: string } = markers;
      const page = await tried(() => this.#client.send(new ListMultipartUploadsCommand({ Bucket: bucket, ...from })));
      for (const u of page?.Uploads ?? []) found.push({ key: u.Key ?? '', id: u.UploadId ?? '', startedAtMs: u.Initiated?.getTime() ?? 0 });
      const { NextKeyMarker: key, NextUploadIdMarker: id } = page ?? {};
      markers = page?.IsTruncated && key ? { KeyMarker: key, ...(id ? { UploadIdMarker: id } : {}) } : null;
    }
    return found;
  }
  async size(bucket: string, key: string): Promise<number | null> {
    const head = await tried(() => this.#client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })), [404]);
    return head?.ContentLength ?? null;
  }
  async age(bucket: string, rules: readonly AgeRule[]): Promise<boolean> {
    // One rule a folder: classes follow each other by age.
    const folders = Map.groupBy(rules, (rule) => rule.prefix);
    const Rules = [...folders].map(([prefix, steps]) => ({
      ID: `age-${prefix.replaceAll('/', '-')}`,
      Status: 'Enabled' as const,
      Filter: { Prefix: prefix },
      Transitions: steps.map((s) => ({ Days: s.afterDays, StorageClass: s.storageClass })),
    }));
    const put = new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: { Rules } });
    return (await tried(() => this.#client.send(put), noClasses)) !== null;
  }
  async ages(bucket: string): Promise<readonly AgeRule[] | null> {
    // 404: the store has classes, and nobody gave it rules.
    const found = await tried<GetBucketLifecycleConfigurationCommandOutput | { Rules: [] }>(
      () =>
        this.#client
          .send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }))
          .catch((error) => (statusOf(error) === 404 ? { Rules: [] } : Promise.reject(error))),
      noClasses,
    );
    return (
      found &&
      (found.Rules ?? []).flatMap((rule) =>
        (rule.Transitions ?? []).map((t) => ({
          prefix: rule.Filter?.Prefix ?? '',
          afterDays: t.Days ?? 0,
          storageClass: t.StorageClass as AgeRule['storageClass'],
        })),
      )
    );
  }
  async share(bucket: string, rules: Parameters<Uploads['share']>[1]): Promise<void> {
    const { origins, methods, publicRead } = rules;
    const cors = { AllowedOrigins: [...origins], AllowedMethods: [...methods], AllowedHeaders: ['*'], ExposeHeaders: ['ETag'], MaxAgeSeconds: 3_600 };
    await tried(() => this.#client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [cors] } })));
    if (!publicRead) return;
    const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` };
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await tried(() => this.#client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy })));
  }
}

export const uploadsOf = (config: Pick<Config, 's3' | 'media'>): S3Uploads => new S3Uploads({ ...config.s3, publicEndpoint: config.media.uploadEndpoint });
