import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, disconnect } from '../adapters.ts';
import { S3Blobs } from '../blobs/s3.ts';
import { uploadsOf } from '../blobs/s3-uploads.ts';
import { type Config, makeLocalSecret, portsFrom, readConfig } from '../config.ts';
import { provision } from '../provision.ts';
import { listens } from '../stack/engines.ts';
import { installEngines, Stack } from '../stack/stack.ts';

export interface TestStack {
  readonly config: Config;
  readonly stack: Stack;
  stop(): Promise<void>;
}

/** A stack of engines with its own ports and folder, gone without a trace afterwards. */
export async function startTestStack(overrides: Readonly<Record<string, string>> = {}): Promise<TestStack> {
  // Between the look for free ports and their use somebody else may take one: then other ports are tried once.
  return tryStart(overrides).catch((error) => {
    console.warn(`a test stack did not start and is tried on other ports: ${error}`);
    return tryStart(overrides);
  });
}

async function tryStart(overrides: Readonly<Record<string, string>>): Promise<TestStack> {
  const stateDir = mkdtempSync(join(tmpdir(), 'foryou-test-'));
  const base = await freePortBase();
  const env = {
    ...process.env,
    FORYOU_STATE_DIR: stateDir,
    FORYOU_PORT_BASE: String(base),
    FORYOU_SESSION_TIMEOUT_MS: '2000',
    FORYOU_LOG_LEVEL: 'silent',
    ...overrides,
  };
  makeLocalSecret(stateDir);
  const config = readConfig(env);
  await installEngines(config);
  const stack = new Stack(config);
  const stop = async () => {
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    await stack.startEngines();
    const adapters = connect(config, 'test-provision');
    await provision({ ...adapters, blobs: new S3Blobs(config.s3), uploads: uploadsOf(config) }, config.partitions).finally(() => disconnect(adapters));
    return { config, stack, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 22_000 + 20 * Math.floor(Math.random() * 400);
    const taken = await Promise.all(Object.values(portsFrom(base)).map((port) => listens('127.0.0.1', port)));
    if (!taken.some(Boolean)) return base;
  }
  throw new Error('no free ports for a test stack');
}

/** Asks again until the answer is true; the condition is awaited, never the time. */
export async function eventually(what: string, condition: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${withinMs / 1000} s: ${what}`, { cause: last });
}
