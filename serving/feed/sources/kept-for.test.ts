import { expect, test } from 'vitest';
import { keptFor } from './kept-for.ts';

/** Something that is made when it is told to be. */
function made() {
  const asked: { at: number; come: (value: string) => void; fail: (error: Error) => void }[] = [];
  const read = keptFor(100, (at) => new Promise<string>((come, fail) => asked.push({ at, come, fail })));
  return { read, asked };
}

test('it is made once for all who ask while it is missing, and nobody waits while it is made anew', async () => {
  const { read, asked } = made();
  const first = [read(0), read(1)];
  asked[0]?.come('one');
  expect(await Promise.all(first)).toEqual(['one', 'one']);
  expect(read(99)).toBe('one');
  expect([read(100), read(150)]).toEqual(['one', 'one']);
  expect(asked.map(({ at }) => at)).toEqual([0, 100]);
  asked[1]?.come('two');
  await Promise.resolve();
  expect(read(160)).toBe('two');
  // It is as old as the moment that it was asked for.
  read(200);
  expect(asked).toHaveLength(3);
});

test('what is too old is waited for', async () => {
  const { read, asked } = made();
  const first = read(0);
  asked[0]?.come('one');
  await first;
  const late = read(300);
  expect(late).toBeInstanceOf(Promise);
  asked[1]?.come('two');
  expect(await late).toBe('two');
});

test('what fails is not kept: what was there stays until it is too old, and the next one tries again', async () => {
  const { read, asked } = made();
  const first = read(0);
  asked[0]?.come('one');
  await first;
  expect(read(120)).toBe('one');
  asked[1]?.fail(new Error('away'));
  await new Promise(setImmediate);
  expect(read(130)).toBe('one');
  expect(asked).toHaveLength(3);
  const late = read(320);
  asked[2]?.fail(new Error('away'));
  await expect(late).rejects.toThrow('away');
});
