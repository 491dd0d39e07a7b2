import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { engineSpecs } from './engines.ts';
import { ManagedProcess, type ProcessSpec } from './managed-process.ts';
import { ensureTool, isInstalled, tools } from './tools.ts';

export interface Progress {
  /** A named piece of work began; the returned function says that it ended. */
  begin(what: string): () => void;
}
const silent: Progress = { begin: () => () => {} };

/** Fetches and builds whatever engine is missing on this machine. */
export async function installEngines(config: Config, progress: Progress = silent): Promise<void> {
  const missing = Object.values(tools).filter((t) => !isInstalled(config.cacheDir, t) && !(t === tools.s3 && config.s3.external));
  // Maven's downloads one after another, the compilers beside them.
  const [byMaven, others] = [
    missing.filter((t) => t === tools.kafka || t === tools.registry),
    missing.filter((t) => t !== tools.kafka && t !== tools.registry),
  ];
  const install = async (t: (typeof missing)[number]) => {
    const end = progress.begin(`install ${t.name}`);
    await ensureTool(config.cacheDir, t);
    end();
  };
  const inOrder = byMaven.reduce<Promise<void>>((before, t) => before.then(() => install(t)), Promise.resolve());
  await Promise.all([inOrder, ...others.map(install)]);
}

/** The engines of one state folder: started in order, stopped in reverse, each one addressable. */
export class Stack {
  readonly processes = new Map<string, ManagedProcess>();
  readonly #config: Config;

  constructor(config: Config) {
    this.#config = config;
  }

  async startEngines(progress: Progress = silent): Promise<void> {
    mkdirSync(this.#config.stateDir, { recursive: true });
    const specs = await engineSpecs(this.#config);
    const start = async (spec: ProcessSpec) => {
      const end = progress.begin(`start ${spec.name}`);
      await this.startProcess(spec);
      end();
    };
    const last = specs.filter((s) => s.name === 'registry');
    await Promise.all(specs.filter((s) => s.name !== 'registry').map(start));
    for (const spec of last) await start(spec);
  }

  async startProcess(spec: ProcessSpec): Promise<ManagedProcess> {
    const process = new ManagedProcess(spec, this.#config.stateDir);
    this.processes.set(spec.name, process);
    await process.start();
    return process;
  }

  /** Processes of this state folder that run without us: their supervisor was killed. */
  orphans(): ManagedProcess[] {
    const runDir = join(this.#config.stateDir, 'run');
    if (!existsSync(runDir)) return [];
    return readdirSync(runDir)
      .filter((file) => file.endsWith('.json'))
      .map((file) => new ManagedProcess({ name: file.slice(0, -5), command: '', args: [], ready: async () => true, readyWithinMs: 0 }, this.#config.stateDir))
      .filter((process) => process.runningPid() !== null);
  }

  process(name: string): ManagedProcess {
    const found = this.processes.get(name);
    if (!found) throw new TypeError(`no process ${name} in this stack`);
    return found;
  }

  async stop(): Promise<void> {
    for (const process of [...this.processes.values()].reverse()) await process.stop();
    this.processes.clear();
  }
}
