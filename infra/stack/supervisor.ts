import { connect, disconnect } from '../adapters.ts';
import { S3Blobs } from '../blobs/s3.ts';
import { uploadsOf } from '../blobs/s3-uploads.ts';
import { type Config, makeLocalSecret } from '../config.ts';
import { provision } from '../provision.ts';
import { serviceSpecs } from './services.ts';
import { installEngines, type Progress, Stack } from './stack.ts';

const firstRestartMs = 500;
const slowestRestartMs = 10_000;

/** The whole platform of one machine: engines, provisioning and our services, kept alive until stopped. */
export class Supervisor {
  readonly stack: Stack;
  readonly #config: Config;
  #stopping = false;
  #watcher: NodeJS.Timeout | undefined;
  readonly #restarts = new Map<string, { waitMs: number; due: number }>();

  constructor(config: Config) {
    this.#config = config;
    this.stack = new Stack(config);
  }

  async start(progress?: Progress): Promise<void> {
    makeLocalSecret(this.#config.stateDir);
    for (const orphan of this.stack.orphans().reverse()) if (orphan.spec.name !== 'supervisor') await orphan.stop();
    await installEngines(this.#config, progress);
    await this.stack.startEngines(progress);
    const provisioned = progress?.begin('create topics, schemas, tables and buckets');
    const adapters = connect(this.#config, 'foryou-up');
    try {
      await provision({ ...adapters, blobs: new S3Blobs(this.#config.s3), uploads: uploadsOf(this.#config) }, this.#config.partitions);
    } finally {
      await disconnect(adapters);
    }
    provisioned?.();
    await Promise.all(
      serviceSpecs(this.#config).map(async (spec) => {
        const end = progress?.begin(`start ${spec.name}`);
        await this.stack.startProcess(spec);
        end?.();
      }),
    );
    this.#watcher = setInterval(() => this.#restartEnded(), 250);
  }

  /** A process that ended is started again, more slowly each time it does not stay. */
  #restartEnded(): void {
    for (const [name, process] of this.stack.processes) {
      if (this.#stopping || process.runningPid() !== null) continue;
      const plan = this.#restarts.get(name) ?? { waitMs: firstRestartMs, due: Date.now() + firstRestartMs };
      this.#restarts.set(name, plan);
      if (Date.now() < plan.due) continue;
      this.#restarts.set(name, { waitMs: Math.min(plan.waitMs * 2, slowestRestartMs), due: Number.POSITIVE_INFINITY });
      const again = () => {
        const { waitMs } = this.#restarts.get(name) ?? plan;
        this.#restarts.set(name, { waitMs, due: Date.now() + waitMs });
      };
      process.start().then(() => setTimeout(() => this.#restarts.delete(name), 30_000).unref(), again);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watcher);
    await this.stack.stop();
  }
}
