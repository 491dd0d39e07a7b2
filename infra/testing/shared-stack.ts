import type { TestProject } from 'vitest/node';
import { readConfig } from '../config.ts';
import { startTestStack } from './test-stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    stackEnvironment: Record<string, string>;
  }
}

/** One stack for all integration tests of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startTestStack();
  const { config } = stack;
  project.provide('stackEnvironment', {
    FORYOU_STATE_DIR: config.stateDir,
    FORYOU_PORT_BASE: String(config.ports.kafka),
    FORYOU_SESSION_TIMEOUT_MS: '2000',
    FORYOU_LOG_LEVEL: 'silent',
  });
  return stack.stop;
}

export const sharedConfig = (environment: Record<string, string>) => readConfig({ ...process.env, ...environment });
