import { expect, test } from 'vitest';
import { assign, type Experiment } from './experiments.ts';
import { selection } from './selection.ts';

const running: Experiment[] = [
  {
    name: 'one',
    arms: [
      { name: 'a', share: 0.2, selection: {} },
      { name: 'b', share: 0.3, selection: { variety: 0.9 } },
    ],
  },
  {
    name: 'two',
    arms: [
      { name: 'x', share: 0.5, selection: {} },
      { name: 'y', share: 0.5, selection: {} },
    ],
  },
];
const arms = Array.from({ length: 20_000 }, (_, i) => assign(`user-${i}`, running));

test('each arm gets its share, and the rest none; the same viewer always the same arm', () => {
  const share = (name: string) => arms.filter((a) => a.arm.includes(name)).length / arms.length;
  for (const [name, expected] of Object.entries({ 'one:a': 0.2, 'one:b': 0.3, 'one:none': 0.5, 'two:x': 0.5 })) expect(share(name)).toBeCloseTo(expected, 1);
  expect(assign('user-7', running)).toEqual(arms[7]);
});

test('arms of one experiment say nothing of those of another', () => {
  const b = arms.filter((a) => a.arm.startsWith('one:b'));
  expect(b.filter((a) => a.arm.endsWith('two:x')).length / b.length).toBeCloseTo(0.5, 1);
});

test('an arm changes its values alone', () => {
  for (const { arm, selection: chosen } of arms.slice(0, 50)) expect(chosen).toEqual(arm.startsWith('one:b') ? { ...selection, variety: 0.9 } : selection);
});
