import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { ForyouError } from './errors.ts';

/** Everything the platform may be told from outside. This file is the only reader of process.env. */
export interface Config {
  /** Where the local stack keeps data, logs and pid files. */
  readonly stateDir: string;
  /** Where downloaded engines are kept between checkouts. */
  readonly cacheDir: string;
  readonly host: string;
  readonly ports: Ports;
  readonly kafkaBrokers: readonly string[];
  readonly registryUrl: string;
  readonly clickhouseUrl: string;
  readonly redisUrl: string;
  readonly s3: { readonly endpoint: string; readonly accessKey: string; readonly secretKey: string; readonly external: boolean };
  /** Where clients reach the object store for parts of uploads, and where media is read: the store itself, or a CDN before it. */
  readonly media: {
    readonly uploadEndpoint: string;
    readonly url: string;
    readonly sandbox: 'bubblewrap' | 'none';
    /** host:port of clamd; without one files are not scanned. */
    readonly clamd: string | undefined;
    /** ONNX files that make vectors of pictures and of sound; without one a descriptor does. */
    readonly visualModel: string | undefined;
    readonly soundModel: string | undefined;
    /** Uploads that one process works on side by side. */
    readonly concurrency: number;
  };
  readonly partitions: number;
  readonly onlineShards: number;
  readonly dedupeGeneration: number;
  readonly jwt: { readonly secret: string | undefined; readonly jwksUrl: string | undefined; readonly issuer: string };
  readonly limits: { readonly perUserPerMinute: number; readonly perAddressPerMinute: number };
  readonly flushMs: number;
  /** A longer delta of a shard is merged in parts, in bytes. */
  readonly mergeBytes: number;
  /** How long a job that died silently keeps others out. */
  readonly jobLeaseMs: number;
  /** What happens later than this after an impression is not an answer to it. */
  readonly trainingHorizonMs: number;
  /** How long a consumer that died silently keeps its partitions. */
  readonly sessionTimeoutMs: number;
  readonly logLevel: string;
  readonly sharedData: string;
  /** The demo ends by itself after so long; 0 means when it is interrupted. */
  readonly demoSeconds: number;
  /** A clip that the demo publishes; it makes one when there is none. */
  readonly demoClip: string | undefined;
  /** Where benchmarks write their JSON; undefined for nowhere. */
  readonly benchOut: string | undefined;
}

export interface Ports {
  readonly kafka: number;
  readonly kafkaController: number;
  readonly registry: number;
  readonly clickhouseHttp: number;
  readonly clickhouseTcp: number;
  readonly redis: number;
  readonly s3: number;
  readonly serving: number;
  readonly history: number;
  readonly online: number;
  readonly jobs: number;
  readonly processing: number;
}

const portOrder = [
  'kafka',
  'kafkaController',
  'registry',
  'clickhouseHttp',
  'clickhouseTcp',
  'redis',
  's3',
  'serving',
  'history',
  'online',
  'jobs',
  'processing',
] as const satisfies (keyof Ports)[];

/** All ports follow from one base, so that several stacks stand side by side. */
export function portsFrom(base: number): Ports {
  return Object.fromEntries(portOrder.map((name, i) => [name, base + i])) as unknown as Ports;
}

export const defaultPortBase = 19_000;
export const repoRoot = resolve(import.meta.dirname, '..');

export type Environment = Readonly<Record<string, string | undefined>>;

export function readConfig(env: Environment = process.env): Config {
  const host = '127.0.0.1';
  const ports = portsFrom(whole(env, 'FORYOU_PORT_BASE', defaultPortBase, 1024, 65_000));
  const s3Endpoint = env['FORYOU_S3_ENDPOINT'] ?? `http://${host}:${ports.s3}`;
  const uploadEndpoint = env['FORYOU_UPLOAD_ENDPOINT'] ?? s3Endpoint;
  const path = (name: string, fallback: string) => {
    const value = env[name] ?? fallback;
    return isAbsolute(value) ? value : resolve(repoRoot, value);
  };
  return {
    stateDir: path('FORYOU_STATE_DIR', '.foryou'),
    cacheDir: path('FORYOU_CACHE_DIR', join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'foryou')),
    host,
    ports,
    kafkaBrokers: (env['FORYOU_KAFKA_BROKERS'] ?? `${host}:${ports.kafka}`).split(','),
    registryUrl: env['FORYOU_REGISTRY_URL'] ?? `http://${host}:${ports.registry}/apis/ccompat/v7`,
    clickhouseUrl: env['FORYOU_CLICKHOUSE_URL'] ?? `http://${host}:${ports.clickhouseHttp}`,
    redisUrl: env['FORYOU_REDIS_URL'] ?? `redis://${host}:${ports.redis}`,
    s3: {
      endpoint: s3Endpoint,
      accessKey: env['FORYOU_S3_ACCESS_KEY'] ?? 'foryou',
      secretKey: env['FORYOU_S3_SECRET_KEY'] ?? 'foryou-local-secret',
      external: env['FORYOU_S3_ENDPOINT'] !== undefined,
    },
    media: {
      uploadEndpoint,
      url: env['FORYOU_MEDIA_URL'] ?? `${uploadEndpoint}/foryou-media`,
      sandbox: choice(env, 'FORYOU_MEDIA_SANDBOX', ['bubblewrap', 'none']),
      clamd: env['FORYOU_CLAMD'],
      visualModel: env['FORYOU_VISUAL_MODEL'],
      soundModel: env['FORYOU_SOUND_MODEL'],
      concurrency: whole(env, 'FORYOU_MEDIA_CONCURRENCY', 1, 1, 64),
    },
    partitions: whole(env, 'FORYOU_PARTITIONS', 4, 1, 1024),
    onlineShards: whole(env, 'FORYOU_ONLINE_SHARDS', 16, 1, 4096),
    dedupeGeneration: whole(env, 'FORYOU_DEDUPE_GENERATION', 262_144, 16, 16_777_216),
    jwt: {
      secret: env['FORYOU_JWT_SECRET'] ?? localSecret(path('FORYOU_STATE_DIR', '.foryou')),
      jwksUrl: env['FORYOU_JWKS_URL'],
      issuer: env['FORYOU_JWT_ISSUER'] ?? 'foryou',
    },
    limits: {
      perUserPerMinute: whole(env, 'FORYOU_LIMIT_USER', 600, 1, 10_000_000),
      perAddressPerMinute: whole(env, 'FORYOU_LIMIT_ADDRESS', 6_000, 1, 10_000_000),
    },
    sessionTimeoutMs: whole(env, 'FORYOU_SESSION_TIMEOUT_MS', 10_000, 1_000, 300_000),
    flushMs: whole(env, 'FORYOU_FLUSH_MS', 10, 1, 10_000),
    mergeBytes: whole(env, 'FORYOU_MERGE_BYTES', 65_536, 1, 16_777_216),
    jobLeaseMs: whole(env, 'FORYOU_JOB_LEASE_MS', 60_000, 1_000, 3_600_000),
    trainingHorizonMs: 1_000 * whole(env, 'FORYOU_TRAINING_HORIZON_SECONDS', 1_800, 1, 86_400),
    logLevel: env['FORYOU_LOG_LEVEL'] ?? 'info',
    sharedData: path('FORYOU_SHARED_DATA', '../shared/data'),
    benchOut: env['BENCH_OUT'],
    demoClip: env['CLIP'],
    demoSeconds: whole(env, 'DEMO_SECONDS', 0, 0, 86_400),
  };
}

const secretFile = (stateDir: string): string => join(stateDir, 'jwt-secret');

/** The secret that the local stack made for itself at its first start. */
function localSecret(stateDir: string): string | undefined {
  return existsSync(secretFile(stateDir)) ? readFileSync(secretFile(stateDir), 'utf8') : undefined;
}

export function makeLocalSecret(stateDir: string): void {
  mkdirSync(stateDir, { recursive: true });
  if (!existsSync(secretFile(stateDir))) writeFileSync(secretFile(stateDir), randomBytes(32).toString('base64url'), { mode: 0o600 });
}

/** Settings that make another process see the same stack as this configuration. */
export function environmentOf(config: Config, more: Record<string, string> = {}): Record<string, string> {
  return {
    FORYOU_STATE_DIR: config.stateDir,
    FORYOU_CACHE_DIR: config.cacheDir,
    FORYOU_PORT_BASE: String(config.ports.kafka),
    FORYOU_PARTITIONS: String(config.partitions),
    FORYOU_ONLINE_SHARDS: String(config.onlineShards),
    FORYOU_DEDUPE_GENERATION: String(config.dedupeGeneration),
    FORYOU_MERGE_BYTES: String(config.mergeBytes),
    FORYOU_SESSION_TIMEOUT_MS: String(config.sessionTimeoutMs),
    FORYOU_LOG_LEVEL: config.logLevel,
    FORYOU_JOB_LEASE_MS: String(config.jobLeaseMs),
    FORYOU_TRAINING_HORIZON_SECONDS: String(config.trainingHorizonMs / 1_000),
    FORYOU_MEDIA_SANDBOX: config.media.sandbox,
    FORYOU_MEDIA_CONCURRENCY: String(config.media.concurrency),
    ...(config.media.clamd ? { FORYOU_CLAMD: config.media.clamd } : {}),
    ...(config.media.visualModel ? { FORYOU_VISUAL_MODEL: config.media.visualModel } : {}),
    ...(config.media.soundModel ? { FORYOU_SOUND_MODEL: config.media.soundModel } : {}),
    FORYOU_LIMIT_USER: String(config.limits.perUserPerMinute),
    FORYOU_LIMIT_ADDRESS: String(config.limits.perAddressPerMinute),
    ...more,
  };
}

/** Child processes inherit the machine's environment, and find the modules that processes before them compiled: half of a start is that. */
export const childEnvironment = (): NodeJS.ProcessEnv => ({ NODE_COMPILE_CACHE: join(repoRoot, 'node_modules/.cache/compiled'), ...process.env });

/** One of a closed list; the first is the default. */
function choice<const T extends string>(env: Environment, name: string, allowed: readonly [T, ...T[]]): T {
  const raw = env[name] ?? allowed[0];
  const found = allowed.find((value) => value === raw);
  if (found === undefined) throw new ForyouError('config-invalid', `${name} is "${raw}"`, { fix: `set ${name} to one of: ${allowed.join(', ')}` });
  return found;
}

function whole(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const raw = env[name];
  if (raw === undefined || raw === '') return fallback;
  const value = Number(raw);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new ForyouError('config-invalid', `${name} is "${raw}"`, { fix: `set ${name} to a whole number from ${min} to ${max}` });
  return value;
}
