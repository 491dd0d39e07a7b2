import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { FfmpegMedia } from '#infra/media/ffmpeg.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { ClickHouseWarehouse } from '#infra/warehouse/clickhouse.ts';
import type { RightsDecision } from '#schemas/config/rights.ts';
import { registerWork } from '../main.ts';
import { type Checked, checkFile } from './check.ts';
import { nobody } from './ports.ts';
import { RegisteredWorks } from './registered-works.ts';

const run = promisify(execFile);
const config = sharedConfig(inject('stackEnvironment'));
const warehouse = new ClickHouseWarehouse(config.clickhouseUrl);
const media = new FfmpegMedia(config.media.sandbox);
const folder = mkdtempSync(join(tmpdir(), 'foryou-rights-'));
const rate = 44_100;

/** Half a minute of chords that follow each other by chance: no two seeds sound alike. */
function song(name: string, seed: number, seconds = 30): string {
  const samples = Buffer.alloc(44 + 2 * rate * seconds);
  samples.write('RIFF', 0, 'latin1');
  samples.writeUInt32LE(samples.length - 8, 4);
  samples.write('WAVEfmt ', 8, 'latin1');
  samples.writeUInt32LE(16, 16);
  samples.writeUInt16LE(1, 20);
  samples.writeUInt16LE(1, 22);
  samples.writeUInt32LE(rate, 24);
  samples.writeUInt32LE(2 * rate, 28);
  samples.writeUInt16LE(2, 32);
  samples.writeUInt16LE(16, 34);
  samples.write('data', 36, 'latin1');
  samples.writeUInt32LE(samples.length - 44, 40);
  let state = seed;
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let notes: number[] = [];
  for (let i = 0; i < rate * seconds; i++) {
    if (i % Math.round(0.3 * rate) === 0) notes = [0, 1, 2].map(() => 110 * 2 ** (next(36) / 12));
    const at = (i % Math.round(0.3 * rate)) / rate;
    const level = Math.exp(-3 * at) * notes.reduce((sum, f) => sum + Math.sin(2 * Math.PI * f * (i / rate)) + 0.4 * Math.sin(4 * Math.PI * f * (i / rate)), 0);
    samples.writeInt16LE(Math.round(6_000 * level), 44 + 2 * i);
  }
  const file = join(folder, `${name}.wav`);
  writeFileSync(file, samples);
  return file;
}

/** A video with this sound, as a filter changes it. */
async function videoWith(sound: string, name: string, filter: string, output: readonly string[] = []): Promise<string> {
  const file = join(folder, `${name}.mp4`);
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-i', sound, '-f', 'lavfi', '-i', 'testsrc2=size=128x96:rate=5', '-filter_complex', `[0:a]${filter}[a]`],
    ...['-map', '1:v', '-map', '[a]', '-shortest', '-preset', 'ultrafast', '-c:a', 'aac', '-b:a', '96k', ...output, file],
  ]);
  return file;
}
const check = (file: string): Promise<Checked> =>
  checkFile({ blobs: new MemoryBlobs(), media, ...nobody, works: new RegisteredWorks(warehouse) }, file, new AbortController().signal);

const id = (name: string) => `${name}-of-this-test`;
let [blocked, muted, regional, allowed, unknown] = ['', '', '', '', ''];
beforeAll(async () => {
  [blocked, muted, regional, allowed, unknown] = ['blocked', 'muted', 'regional', 'allowed', 'unknown'].map((name, i) => song(name, 77 + i)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const register = (file: string, name: string, decision: RightsDecision, regions: string[] = []) =>
    registerWork(config, file, { workId: id(name), title: name, owner: 'somebody', decision, regions });
  expect(await register(blocked, 'blocked', 'block')).toBeGreaterThan(200);
  await register(muted, 'muted', 'mute');
  await register(regional, 'regional', 'block', ['DE', 'FR']);
  await register(allowed, 'allowed', 'allow');
});
afterAll(async () => {
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a registered work is found', () => {
  test.each([
    ['as it is', 'anull', 1],
    ['from the middle, twelve seconds of it', 'atrim=9:21,asetpts=PTS-STARTPTS', 1],
    ['five and a half seconds of it', 'atrim=11.3:16.8,asetpts=PTS-STARTPTS', 1],
    ['quieter, under noise', 'volume=-12dB[q];anoisesrc=amplitude=0.008:duration=30[n];[q][n]amix=inputs=2:duration=first', 1],
    ['four percent faster', `asetrate=${Math.round(1.04 * rate)},aresample=${rate}`, 1.04],
    ['six percent slower', `asetrate=${Math.round(0.94 * rate)},aresample=${rate}`, 0.94],
    ['two percent higher in the same time', 'rubberband=pitch=1.02', null],
  ] as const)('%s', async (name, filter, speed) => {
    const { outcome } = await check(await videoWith(allowed, `allowed ${name}`, filter));
    expect(outcome.sound).toMatchObject({ workId: id('allowed'), decision: 'allow', owner: 'somebody' });
    expect(outcome.sound?.lengthMs).toBeGreaterThanOrEqual(4_900);
    if (speed !== null) expect(outcome.sound?.speed).toBeCloseTo(speed, 2);
    expect(outcome.event).toMatchObject({ soundId: `work/${id('allowed')}` });
  });

  test('and the evidence says where, to the length of what one word describes: six seconds in, and which moment of the work', async () => {
    const file = join(folder, 'later.mp4');
    await run('ffmpeg', [
      ...['-v', 'error', '-y', '-i', unknown, '-i', allowed, '-f', 'lavfi', '-i', 'testsrc2=size=128x96:rate=5'],
      ...[
        '-filter_complex',
        '[0:a]atrim=0:6[u];[1:a]atrim=10:22,asetpts=PTS-STARTPTS[w];[u][w]concat=n=2:v=0:a=1[a]',
        '-map',
        '2:v',
        '-map',
        '[a]',
        '-shortest',
        '-preset',
        'ultrafast',
        file,
      ],
    ]);
    const { sound } = (await check(file)).outcome;
    expect(Math.abs((sound?.fromMs ?? 0) - 6_000)).toBeLessThan(2_700);
    expect(Math.abs((sound?.workFromMs ?? 0) - (sound?.fromMs ?? 0) - 4_000)).toBeLessThan(300);
  });
});

describe('nothing is found in', () => {
  test.each([
    ['another song', 'anull'],
    ['a hum', 'volume=0[z];sine=frequency=100:duration=30[s];[z][s]amix=inputs=2:duration=first'],
    ['silence', 'volume=0'],
  ])('%s', async (name, filter) => {
    const { outcome } = await check(await videoWith(unknown, name, filter));
    expect(outcome).toMatchObject({ kind: 'published', sound: null });
    // What is nobody's is the creator's own, for others to use.
    expect((outcome.event as { soundId: string }).soundId).toMatch(/^sound\//);
  });
});

describe('what its owner wants is done', () => {
  test('blocked everywhere: rejected in words, and nothing of it is left to play', async () => {
    const { outcome, made } = await check(await videoWith(blocked, 'blocked', 'anull'));
    expect(outcome).toMatchObject({
      kind: 'rejected',
      event: { reason: 'rights', detail: expect.stringContaining('blocked of somebody') },
      sound: { workId: id('blocked') },
    });
    expect(made.size).toBe(0);
  });
  test('muted: it plays without its sound', async () => {
    const { outcome, made } = await check(await videoWith(muted, 'muted', 'anull'));
    const { hlsUrl } = outcome.event as { hlsUrl: string };
    expect(made.get(hlsUrl.split('/').at(-1) as string)?.toString()).not.toContain('AUDIO');
  });
  test('blocked in some regions: it is published, but not there', async () => {
    const { outcome } = await check(await videoWith(regional, 'regional', 'anull'));
    expect(outcome).toMatchObject({ kind: 'published', event: { blockedRegions: ['DE', 'FR'] } });
  });
});
