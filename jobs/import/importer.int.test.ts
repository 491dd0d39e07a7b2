import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import type { EventContract } from '#schemas/events/contract.ts';
import { runTopologies } from '../../topologies/main.ts';
import { importFile } from './importer.ts';
import { interactions } from './interactions.ts';
import { kuairand } from './kuairand.ts';

const config = sharedConfig(inject('stackEnvironment'));
const adapters = connect(config, 'import-test');
const folder = mkdtempSync(join(tmpdir(), 'foryou-import-'));
let running: Awaited<ReturnType<typeof runTopologies>>;
beforeAll(async () => {
  running = await runTopologies(config, 'engagement-history');
});
afterAll(async () => {
  await running?.stop();
  await disconnect(adapters);
  rmSync(folder, { recursive: true, force: true });
});

/** A producer that fails after so many sends, as a process that is stopped would. */
class Interrupted extends EventProducer {
  #left: number;
  constructor(left: number) {
    super(adapters);
    this.#left = left;
  }
  override async send<C extends EventContract>(contract: C, events: never): Promise<void> {
    if (this.#left-- <= 0) throw new Error('interrupted');
    return super.send(contract, events);
  }
}

const count = async (prefix: string): Promise<number> =>
  (await adapters.warehouse.query<{ n: number }>(`SELECT count() AS n FROM engagements WHERE user_id LIKE '${prefix}%'`))[0]?.n ?? 0;

test('an import that was stopped goes on where it was, and one that ended is not repeated', async () => {
  const file = join(folder, 'interactions.csv');
  const prefix = `imp-${crypto.randomUUID().slice(0, 6)}-`;
  const lines = Array.from({ length: 950 }, (_, i) => `${prefix}${i % 20},item-${i % 30},${1_700_000_000 + i},${(i * 37) % 9_000},9000`);
  lines.splice(500, 0, 'not a line', `${prefix}x,,1700000000,1,1`, `${prefix}x,item-1,yesterday,1,1`);
  writeFileSync(file, lines.join('\n'));
  const format = interactions({ user: 0, item: 1, time: 2, timeUnit: 's', watchedMs: 3, durationMs: 4, delimiter: ',', hasHeader: false });
  const options = { file, format, shiftToNow: true, again: false, badLinesFile: join(folder, 'bad'), batchLines: 100 };
  await expect(importFile({ producer: new Interrupted(7), warehouse: adapters.warehouse }, options)).rejects.toThrow('interrupted');
  const resumed = await importFile({ producer: new EventProducer(adapters), warehouse: adapters.warehouse }, options);
  expect(resumed.resumedAt).toBe(300);
  expect(resumed.badLines).toBe(3);
  expect(readFileSync(join(folder, 'bad'), 'utf8').trim().split('\n').length).toBe(3);
  await eventually('every line is stored', async () => (await count(prefix)) === 950);
  const again = await importFile({ producer: new EventProducer(adapters), warehouse: adapters.warehouse }, options);
  expect(again).toMatchObject({ alreadyDone: true, events: 0 });
});

test('a file that is not there is an error with the fix in it', async () => {
  const options = { file: join(folder, 'nowhere'), format: kuairand, shiftToNow: false, again: false, badLinesFile: join(folder, 'bad') };
  await expect(importFile({ producer: new EventProducer(adapters), warehouse: adapters.warehouse }, options)).rejects.toMatchObject({
    code: 'input-invalid',
    fix: 'check the path',
  });
});

test('a KuaiRand line becomes a watch and the signals that were given', () => {
  const line = '4854\t3431182\t20220408\t0\t1649346288441\t1\t1\t0\t1\t1\t39435\t18983\t0\t0\t1\t2022-04-07 15:44:48';
  const parsed = kuairand.parse(line, 2, 1_000);
  const events = 'events' in parsed ? parsed.events : [];
  expect(events.map((e) => e.kind)).toEqual(['watch', 'like', 'follow', 'share']);
  expect(events[0]).toMatchObject({ userId: 'kr-u4854', videoId: 'kr-v3431182', occurredAt: 1649346289441, watchedMs: 39_435, durationMs: 18_983, loops: 2 });
  expect(new Set(events.map((e) => e.eventId)).size).toBe(4);
  expect(kuairand.parse('1\t2\t3', 2, 0)).toEqual({ bad: 'expected 16 columns, found 3' });
  expect(kuairand.parse(line.replace('39435', 'abc'), 2, 0)).toEqual({ bad: 'play_time_ms is not a whole number' });
});

const real = join(config.sharedData, 'rec/kuairand27k_likehate');
if (!existsSync(real)) console.warn(`the KuaiRand file is not at ${real}: its test does not run`);
test.runIf(existsSync(real))('every line of the real KuaiRand log can be read', () => {
  const lines = readdirSync(real).flatMap((f) => readFileSync(join(real, f), 'utf8').trim().split('\n').slice(1));
  const parsed = lines.map((line, i) => kuairand.parse(line, i, 0));
  expect(parsed.filter((p) => 'bad' in p)).toEqual([]);
  expect(lines.length).toBeGreaterThan(30_000);
});
