import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { hasPython, pythonEnvironment } from '#infra/testing/python.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { runTopologies } from '../../topologies/main.ts';

const run = promisify(execFile);
const config = sharedConfig(inject('stackEnvironment'));
const adapters = connect(config, 'producers');
let running: Awaited<ReturnType<typeof runTopologies>>;
beforeAll(async () => {
  running = await runTopologies(config, 'engagement-history');
});
afterAll(async () => {
  await running?.stop();
  await disconnect(adapters);
});

const guide = import.meta.dirname;
const args = (eventId: string): string[] => [config.kafkaBrokers[0] as string, config.registryUrl, join(guide, '../avro/engagement.avsc'), eventId];

async function expectStored(eventId: string, userId: string): Promise<void> {
  const rows = () => adapters.warehouse.query(`SELECT user_id, watched_ms, position, playback_rate FROM engagements WHERE event_id = '${eventId}'`);
  await eventually(`${eventId} is stored`, async () => (await rows()).length === 1);
  expect(await rows()).toEqual([{ user_id: userId, watched_ms: 7_200, position: -1, playback_rate: 1 }]);
}

test('the TypeScript example sends an event that is stored', async () => {
  const eventId = `ts-${crypto.randomUUID()}`;
  const { stdout } = await run(process.execPath, [join(guide, 'producer.ts'), ...args(eventId)]);
  expect(stdout).toContain(`sent ${eventId}`);
  await expectStored(eventId, 'typescript-viewer');
});

test.runIf(await hasPython())('the Python example sends an event that is stored', { timeout: 180_000 }, async () => {
  const interpreter = await pythonEnvironment(config.cacheDir, 'python-producer-1', join(guide, 'requirements.txt'));
  const eventId = `py-${crypto.randomUUID()}`;
  const { stdout } = await run(interpreter, [join(guide, 'producer.py'), ...args(eventId)]);
  expect(stdout).toContain(`sent ${eventId}`);
  await expectStored(eventId, 'python-viewer');
});
