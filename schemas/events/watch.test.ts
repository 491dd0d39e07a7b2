import { describe, expect, test } from 'vitest';
import { signalValue } from '../config/signal-weights.ts';
import { isCompleted, isEarlySkip, isReplayed, isScrolledAway, watchFraction } from './watch.ts';

const watch = (watchedMs: number, durationMs: number, loops = 0) => ({ kind: 'watch' as const, watchedMs, durationMs, loops });

describe.each([
  ['to the end', watch(20_000, 20_000), { completed: true, replayed: false, skip: false, away: false, value: 7 }],
  ['twice', watch(40_000, 20_000, 1), { completed: true, replayed: true, skip: false, away: false, value: 13 }],
  ['left at once', watch(900, 20_000), { completed: false, replayed: false, skip: true, away: false, value: -5 }],
  ['scrolled away', watch(3_000, 20_000), { completed: false, replayed: false, skip: false, away: true, value: -2 }],
  ['half', watch(10_000, 20_000), { completed: false, replayed: false, skip: false, away: false, value: 1 }],
  ['a video of one second to its end', watch(1_000, 1_000), { completed: true, replayed: false, skip: false, away: false, value: 7 }],
  ['unknown duration', watch(5_000, 0), { completed: false, replayed: false, skip: false, away: false, value: 0 }],
])('%s', (_name, e, expected) => {
  test('means what it should', () => {
    expect({ completed: isCompleted(e), replayed: isReplayed(e), skip: isEarlySkip(e), away: isScrolledAway(e), value: signalValue(e) }).toEqual(expected);
  });
});

test('a signal that is no watch has no fraction', () => {
  expect(watchFraction({ kind: 'like', watchedMs: 5, durationMs: 5, loops: 0 })).toBe(0);
  expect(signalValue({ kind: 'report', watchedMs: 0, durationMs: 0, loops: 0 })).toBe(-20);
});
