import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/**
 * What a process leaves in the folders that its libraries may write to. It has nothing of this one's environment: the
 * library is silent by itself where a variable says that a machine builds or tests (`CI`, `GITHUB_ACTIONS` and others),
 * and then neither test would see anything.
 */
async function leftBy(code: string, env: Record<string, string> = {}): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'foryou-telemetry-'));
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      cwd: import.meta.dirname,
      env: { TMPDIR: folder, HOME: folder, XDG_CACHE_HOME: folder, ...env },
    });
    return (await readdir(folder)).sort();
  } finally {
    await rm(folder, { recursive: true });
  }
}

const inProcess = `const { OnnxRuntime } = await import('./onnx-runtime.ts'); await new OnnxRuntime().load(Buffer.from('none')).catch(() => {});`;
const inThread = `const { ThreadedInference } = await import('./threaded.ts'); const runtime = new ThreadedInference();
await runtime.load(Buffer.from('none')).catch(() => {}); await runtime.close();`;

test('a process that loads models reports to nobody', async () => {
  expect(await leftBy(inProcess)).toEqual([]);
  expect(await leftBy(inThread)).toEqual([]);
});

test('what would be left otherwise is seen here', async () => {
  expect(await leftBy(inProcess, { ORT_DISABLE_TELEMETRY: '0' })).not.toEqual([]);
});
