import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('one takes its turn in each round of the event loop, the oldest first', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const work = (name: string, sinceMs: number) => turns.take(sinceMs).then(() => log.push(name));
  const all = Promise.all([work('second', 2), work('third', 3), work('also second', 2), work('first', 1)]);
  for (let round = 0; round < 2; round++) {
    log.push('-');
    await setImmediate();
  }
  await all;
  expect(log.filter((name) => name !== '-')).toEqual(['first', 'second', 'also second', 'third']);
  expect(log.slice(0, 3)).toEqual(['-', 'first', '-']);
});

test('an older request that comes later goes before those that wait', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const twice = turns.take(1).then(async () => {
    log.push('old');
    await turns.take(1);
    log.push('old again');
  });
  await Promise.all([turns.take(2).then(() => log.push('young')), turns.take(3).then(() => log.push('youngest')), twice]);
  expect(log).toEqual(['old', 'old again', 'young', 'youngest']);
});
