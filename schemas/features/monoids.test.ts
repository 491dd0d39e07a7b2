import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { near } from '../../topologies/engine/feature-agreement.ts';
import { decayedSum, lastWrite, latestCard, latestN, type Monoid, topK } from './monoids.ts';

const time = fc.integer({ min: 0, max: 10_000_000 });
const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const cases: [string, Monoid<unknown, unknown, unknown>, fc.Arbitrary<unknown>][] = [
  ['decayedSum', decayedSum(60_000) as never, fc.integer({ min: -5, max: 9 })],
  ['count', decayedSum(Infinity) as never, fc.constant(1)],
  ['lastWrite', lastWrite as never, fc.integer()],
  ['topK', topK(600_000) as never, fc.tuple(key, fc.integer({ min: 1, max: 9 }))],
  ['latestN', latestN(3) as never, key],
  ['latestCard', latestCard as never, fc.constantFrom('', 'one', 'two')],
];

describe.each(cases)('%s is a commutative monoid', (_name, monoid, value) => {
  const state = fc.array(fc.tuple(time, value), { maxLength: 5 }).map((list) => list.reduce((s, [t, v]) => monoid.merge(s, monoid.of(t, v)), monoid.empty));
  const read = (s: unknown) => monoid.read(s, 20_000_000);

  test('merge is commutative', () => fc.assert(fc.property(state, state, (a, b) => near(read(monoid.merge(a, b)), read(monoid.merge(b, a))))));
  test('merge is associative', () =>
    fc.assert(fc.property(state, state, state, (a, b, c) => near(read(monoid.merge(monoid.merge(a, b), c)), read(monoid.merge(a, monoid.merge(b, c)))))));
  test('empty is its identity', () => fc.assert(fc.property(state, (a) => near(read(monoid.merge(a, monoid.empty)), read(a)))));
});

test('a decayed sum loses half of its weight per half-life', () => {
  const sum = decayedSum(1_000);
  expect(sum.read(sum.merge(sum.of(0, 8), sum.of(1_000, 4)), 2_000)).toBe(4);
});

test('two numbers that differ are not near', () => {
  expect(near(1, 1.001)).toBe(false);
  expect(near(new Map([['a', 1]]), new Map([['b', 1]]))).toBe(false);
});
