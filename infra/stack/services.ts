import { join } from 'node:path';
import { type Config, environmentOf, repoRoot } from '../config.ts';
import type { ProcessSpec } from './managed-process.ts';

const answers = (url: string) => async (): Promise<boolean> => (await fetch(url)).ok;

/** Our own processes on top of the engines: sinks of different kinds apart, so that they fail apart. */
export function serviceSpecs(config: Config): ProcessSpec[] {
  const service = (name: string, args: readonly string[], port: number, path: string): ProcessSpec => ({
    name,
    command: process.execPath,
    args: [join(repoRoot, 'infra/cli/main.ts'), ...args],
    cwd: repoRoot,
    env: environmentOf(config),
    ready: answers(`http://${config.host}:${port}${path}`),
    readyWithinMs: 60_000,
  });
  return [
    service('history', ['topology', 'history', '--metrics-port', String(config.ports.history)], config.ports.history, '/healthz'),
    service('online', ['topology', 'online', '--metrics-port', String(config.ports.online)], config.ports.online, '/healthz'),
    service('processing', ['topology', 'processing', '--metrics-port', String(config.ports.processing)], config.ports.processing, '/healthz'),
    service('jobs', ['schedule'], config.ports.jobs, '/healthz'),
    service('serving', ['serve'], config.ports.serving, '/readyz'),
  ];
}
