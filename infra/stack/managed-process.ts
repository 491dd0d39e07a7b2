import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from '../config.ts';
import { ForyouError } from '../errors.ts';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Resolves to true once the process answers. */
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs: number;
  /** How long it may take to end after SIGTERM. */
  readonly graceMs?: number;
}

/** A pid alone can be another process tomorrow; with its start time it names exactly one. */
interface PidRecord {
  readonly pid: number;
  readonly startTime: string;
}

/** One process of the stack: its log, its pid file, its health, its end. */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  readonly #runDir: string;
  readonly #logDir: string;
  #child: ChildProcess | undefined;

  constructor(spec: ProcessSpec, stateDir: string) {
    this.spec = spec;
    this.#runDir = join(stateDir, 'run');
    this.#logDir = join(stateDir, 'logs');
  }

  get logFile(): string {
    return join(this.#logDir, `${this.spec.name}.log`);
  }
  get #pidFile(): string {
    return join(this.#runDir, `${this.spec.name}.json`);
  }
  get child(): ChildProcess | undefined {
    return this.#child;
  }

  /** The process as its pid file knows it, if it still runs. */
  runningPid(): number | null {
    if (!existsSync(this.#pidFile)) return null;
    const record = JSON.parse(readFileSync(this.#pidFile, 'utf8')) as PidRecord;
    return startTimeOf(record.pid) === record.startTime ? record.pid : null;
  }

  async start(): Promise<void> {
    mkdirSync(this.#runDir, { recursive: true });
    mkdirSync(this.#logDir, { recursive: true });
    await this.stop(); // an orphan of a supervisor that was killed
    const log = openSync(this.logFile, 'a');
    const { command, args, env, cwd } = this.spec;
    this.#child = spawn(command, [...args], { stdio: ['ignore', log, log], env: { ...childEnvironment(), ...env }, ...(cwd ? { cwd } : {}), detached: true });
    closeSync(log);
    const failed = new Promise<never>((_resolve, reject) => this.#child?.once('error', reject));
    failed.catch(() => {});
    await Promise.race([new Promise((resolve) => this.#child?.once('spawn', resolve)), failed]);
    const pid = this.#child.pid as number;
    writeFileSync(this.#pidFile, JSON.stringify({ pid, startTime: startTimeOf(pid) ?? '' }));
    await this.#waitReady();
  }

  async #waitReady(): Promise<void> {
    const deadline = Date.now() + this.spec.readyWithinMs;
    while (!(await this.spec.ready().catch(() => false))) {
      if (this.#child?.exitCode !== null || this.#child.signalCode !== null) throw this.#broken(`${this.spec.name} ended while it started`);
      if (Date.now() > deadline) throw this.#broken(`${this.spec.name} did not answer within ${this.spec.readyWithinMs / 1000} s`);
      await pause(100);
    }
  }

  #broken(message: string): ForyouError {
    const tail = existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').split('\n').slice(-12).join('\n') : '';
    return new ForyouError('stack-broken', `${message}; the end of its log:\n${tail}`, { fix: `read ${this.logFile}, then foryou doctor` });
  }

  /** SIGTERM, and SIGKILL when that is not heard; nothing happens when it does not run. */
  async stop(): Promise<void> {
    const pid = this.runningPid();
    if (pid !== null) {
      signal(pid, 'SIGTERM');
      if (!(await this.#ended(pid, this.spec.graceMs ?? 15_000))) {
        signal(pid, 'SIGKILL');
        await this.#ended(pid, 5_000);
      }
    }
    rmSync(this.#pidFile, { force: true });
  }

  /** As a crash would: for fault tests. */
  async kill9(): Promise<void> {
    const pid = this.runningPid();
    if (pid === null) return;
    signal(pid, 'SIGKILL');
    await this.#ended(pid, 5_000);
  }

  async #ended(pid: number, withinMs: number): Promise<boolean> {
    const startTime = startTimeOf(pid);
    const deadline = Date.now() + withinMs;
    while (startTimeOf(pid) !== null && startTimeOf(pid) === startTime) {
      if (Date.now() > deadline) return false;
      await pause(20);
    }
    return true;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Start time of a living process in clock ticks since boot (proc(5), field 22); null for none or a zombie. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A killed process is a zombie at once, but holds its locks until its last thread is gone.
    const over = fields[0] === 'Z' && readdirSync(`/proc/${pid}/task`).length <= 1;
    return over ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
