import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Whether this machine can make Python environments at all. */
export const hasPython = (): Promise<boolean> =>
  run(python, ['-c', 'import venv, ensurepip']).then(
    () => true,
    () => false,
  );

/** Interpreter of an environment of its own with the packages of a requirements file; made once, kept in the cache. */
export async function pythonEnvironment(cacheDir: string, name: string, requirements: string): Promise<string> {
  const environment = join(cacheDir, name);
  const interpreter = join(environment, 'bin/python');
  if (existsSync(join(environment, 'ready'))) return interpreter;
  await mkdir(cacheDir, { recursive: true });
  await run(python, ['-m', 'venv', '--clear', environment]);
  await run(interpreter, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', requirements], { maxBuffer: 1 << 26 });
  await mkdir(join(environment, 'ready'));
  return interpreter;
}
