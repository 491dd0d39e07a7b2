import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import type { ProcessLimits } from '#schemas/config/media.ts';
import type { Rejection } from '#schemas/media/rejection.ts';
import { ForyouError } from '../errors.ts';
import { Refusal } from './media.ts';

/** What a confined program calls its file and its folder. */
export const inside = { file: '/input', folder: '/output' } as const;

export interface Confined {
  readonly command: string;
  readonly args: readonly string[];
  /** The one file that it may read; it sees it as `inside.file`. */
  readonly input: string;
  /** The one folder that it may write; it sees it as `inside.folder`. */
  readonly work?: string;
  readonly limits: ProcessLimits;
  readonly signal?: AbortSignal;
  /** What it means when it fails by itself. */
  readonly failsAs: Rejection;
  readonly onOutput?: (chunk: Buffer) => void;
}

export interface Printed {
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** `none` leaves limits and closed lists of formats: for machines whose kernel does not let a user make namespaces. */
export type SandboxKind = 'bubblewrap' | 'none';

const stderrBytes = 64 * 1024;
const signalled = 128;
const sigkill = 9;
/** Processor time is up, or a file grew too large. */
const limitSignals = new Set([24, 25]);

/**
 * Runs a program on a stranger's file: its own namespaces (no network, no process but its own), a file system of
 * the distribution's programs, the input and one folder, and limits of the kernel on time, memory and files. It ends
 * with this process, whatever ends it.
 */
export async function confined(kind: SandboxKind, run: Confined): Promise<Printed> {
  run.signal?.throwIfAborted();
  const { limits } = run;
  // Behind everything that answers people.
  const prlimit = [
    'nice',
    '-n',
    '10',
    'prlimit',
    `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 5}`,
    `--as=${limits.memoryBytes}`,
    `--fsize=${limits.fileBytes}`,
    '--core=0',
  ];
  const program = [...prlimit, '--', run.command, ...run.args];
  const [command, ...args] = kind === 'bubblewrap' ? ['bwrap', ...walls(run), ...program] : program.map((arg) => outsideOf(run, arg));
  // A group of its own: the sandbox is two processes, and the second one is not yet bound to the first in its first moment.
  const child = spawn(command as string, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(kind === 'none' && run.work ? { cwd: run.work } : {}),
  });

  const stdout: Buffer[] = [];
  let printed = 0;
  let stderr = '';
  let stopped: Error | null = null;
  const stop = (why: Error) => {
    stopped ??= why;
    killGroup(child);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.length;
    if (printed > limits.outputBytes) return stop(new Refusal('tooCostly', `it gives more than ${limits.outputBytes} bytes`));
    if (run.onOutput) run.onOutput(chunk);
    else stdout.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-stderrBytes);
  });
  const timer = setTimeout(() => stop(new Refusal('tooCostly', `it takes more than ${limits.wallSeconds} s`)), limits.wallSeconds * 1_000);
  const onAbort = () => stop(run.signal?.reason instanceof Error ? run.signal.reason : new ForyouError('unavailable', 'stopped'));
  run.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const ended = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(signal ? signalled + sigkill : (code ?? 0)));
      // Whoever ended it does not wait for what may still hold its output.
      child.once('exit', () => stopped && resolve(signalled + sigkill));
    });
    if (stopped) throw stopped;
    if (ended !== 0) throw failure(run, ended, stderr);
    return { stdout: Buffer.concat(stdout), stderr };
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') throw missing(command as string, error);
    throw error;
  } finally {
    clearTimeout(timer);
    child.stdout.destroy();
    child.stderr.destroy();
    run.signal?.removeEventListener('abort', onAbort);
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

const missing = (command: string, cause: unknown) =>
  new ForyouError('prerequisite-missing', `${command} is not installed`, { cause, fix: 'apt-get install ffmpeg bubblewrap util-linux' });

function failure(run: Confined, ended: number, stderr: string): Error {
  const said = firstLine(stderr);
  if (/^bwrap: /m.test(stderr))
    return new ForyouError('prerequisite-missing', `the sandbox does not start: ${said}`, {
      fix: 'allow unprivileged user namespaces, or set FORYOU_MEDIA_SANDBOX=none where the whole machine is a sandbox',
    });
  // 127 and 126: prlimit did not find the program, or may not run it.
  if (/^prlimit: /m.test(stderr) && (ended === 127 || ended === 126)) return missing(run.command, said);
  if (ended > signalled && limitSignals.has(ended - signalled)) return new Refusal('tooCostly', 'it needs more time or space than a file may');
  if (/Cannot allocate memory|std::bad_alloc/.test(stderr)) return new Refusal('tooCostly', 'it needs more memory than a file may');
  if (ended === signalled + sigkill) return new ForyouError('unavailable', `${run.command} was killed from outside`);
  return new Refusal(run.failsAs, said);
}

const firstLine = (stderr: string): string =>
  (stderr.trim().split('\n')[0] ?? '')
    .replace(/^\[[^\]]*\] */, '')
    .replaceAll(inside.file, 'the file')
    .slice(0, 300);

/** Without walls a program sees the real paths. */
export const outsideOf = ({ input, work }: Pick<Confined, 'input' | 'work'>, arg: string): string =>
  arg === inside.file ? input : work && arg.startsWith(inside.folder) ? work + arg.slice(inside.folder.length) : arg;

/** Top-level folders of the distribution that programs and their libraries are in, as bind mounts or as the links that they are. */
const distribution: readonly string[] = ['/usr', '/bin', '/lib', '/lib64'].flatMap((path) => {
  if (!existsSync(path)) return [];
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
});

function walls(run: Confined): string[] {
  return [
    ...distribution,
    ...['--ro-bind-try', '/etc/alternatives', '/etc/alternatives', '--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ...['--dev', '/dev', '--ro-bind', run.input, inside.file],
    ...(run.work ? ['--bind', run.work, inside.folder, '--chdir', inside.folder] : ['--chdir', '/']),
    ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv', '--setenv', 'PATH', '/usr/bin:/bin', '--'],
  ];
}
