import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, utimesSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { makeScratch, sweepScratch } from './scratch.ts';

test('folders of workers that are gone are removed, and nobody else loses his', async () => {
  const mine = await makeScratch();
  const { pid: gone } = spawnSync(process.execPath, ['-e', '']);
  const named = (of: string) => mine.replace(basename(mine), basename(mine).replace(`-${process.pid}-`, of));
  const [ofTheDead, ofTheLiving, ofAnotherMachine] = [named(`-${gone}-`), named(`-${process.ppid}-`), named(`-x-${gone}-`)];
  // As if another process had had this number before.
  const ofBefore = `${mine}2`;
  const all = [ofTheDead, ofTheLiving, ofAnotherMachine, ofBefore];
  try {
    for (const folder of all) mkdirSync(folder);
    utimesSync(ofBefore, 1, 1);
    expect(await sweepScratch()).toBeGreaterThanOrEqual(2);
    expect([mine, ...all].map((folder) => existsSync(folder))).toEqual([true, false, true, true, false]);
  } finally {
    for (const folder of [mine, ...all]) rmSync(folder, { recursive: true, force: true });
  }
});
