import { connect, disconnect } from '#infra/adapters.ts';
import type { Config } from '#infra/config.ts';
import { ForyouError } from '#infra/errors.ts';
import { startEndpoint } from '#infra/telemetry/endpoint.ts';
import { runTopology } from './engine/runner.ts';
import type { EngineSettings, Services } from './engine/services.ts';
import { topologies, topologiesNamed, topologyGroups } from './index.ts';

export const settingsFrom = (config: Config): EngineSettings => ({
  dedupeGeneration: config.dedupeGeneration,
  flushMs: config.flushMs,
  insertMs: 500,
  insertRecords: 100_000,
});

export interface RunOptions {
  readonly metricsPort?: number;
  /** See `Services.at`. */
  readonly at?: Services['at'];
}

/** Runs the named topologies in this process until stopped; `failed` rejects when one cannot go on. */
export async function runTopologies(config: Config, name: string, options: RunOptions = {}): Promise<{ stop(): Promise<void>; failed: Promise<never> }> {
  const chosen = topologiesNamed(name);
  if (chosen.length === 0) {
    const names = [...Object.keys(topologyGroups), ...topologies.map((t) => t.name)].join(', ');
    throw new ForyouError('input-invalid', `there is no topology "${name}"`, { fix: `choose one of: ${names}` });
  }
  const adapters = connect(config, `foryou-${name}`);
  const services: Services = { ...adapters, settings: settingsFrom(config), ...(options.at ? { at: options.at } : {}) };
  const endpoint = options.metricsPort ? await startEndpoint(adapters.telemetry, config.host, options.metricsPort) : undefined;
  const running = await Promise.all(chosen.map((topology) => runTopology(topology, services)));
  const failed = Promise.race(running.map((r) => r.failed));
  failed.catch(() => {}); // whoever awaits it meets the failure; nobody has to
  return {
    failed,
    async stop() {
      await Promise.all(running.map((r) => r.stop()));
      await endpoint?.stop();
      await disconnect(adapters);
    },
  };
}
