import fc from 'fast-check';
import { expect, test } from 'vitest';
import { betaBelow, logGamma } from './beta.ts';
import { exposure, judge } from './exposure.ts';

test('the incomplete beta function has the values of its closed forms', () => {
  expect(logGamma(5)).toBeCloseTo(Math.log(24), 12);
  expect(betaBelow(0.3, 1, 1)).toBeCloseTo(0.3, 12);
  // I_x(a, 1) = x^a, I_x(1, b) = 1 - (1 - x)^b
  expect(betaBelow(0.6, 61, 1)).toBeCloseTo(0.6 ** 61, 15);
  expect(betaBelow(0.02, 1, 400)).toBeCloseTo(1 - 0.98 ** 400, 12);
  // A binomial tail: P(X >= 3) of 5 throws at 0.4.
  expect(betaBelow(0.4, 3, 3)).toBeCloseTo(0.31744, 5);
});

test('it grows from 0 to 1, and is symmetric', () => {
  const shape = fc.double({ min: 0.5, max: 5_000, noNaN: true });
  fc.assert(
    fc.property(shape, shape, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, x) => {
      const below = betaBelow(x, a, b);
      expect(below).toBeGreaterThanOrEqual(-1e-12);
      expect(below).toBeLessThanOrEqual(1 + 1e-12);
      expect(below + betaBelow(1 - x, b, a)).toBeCloseTo(1, 9);
    }),
  );
});

test('small numbers decide nothing, however good or bad they look', () => {
  for (let viewers = 0; viewers < exposure.fewest; viewers++)
    for (const completed of [0, viewers]) expect(judge({ viewers, completed, liked: completed }, 0, 0.04).verdict).toBe('wait');
  // 60 of 100 is 0.6, but nobody can be sure that it stays so.
  expect(judge({ viewers: 100, completed: 60, liked: 10 }, 0, 0.04).verdict).toBe('wait');
  expect(judge({ viewers: 100, completed: 70, liked: 10 }, 0, 0.04).verdict).toBe('advance');
  // Completed by many, liked by nobody.
  expect(judge({ viewers: 100, completed: 70, liked: 0 }, 0, 0.04).verdict).toBe('wait');
  expect(judge({ viewers: 40, completed: 4, liked: 0 }, 0, 0.04).verdict).toBe('hold');
  expect(judge({ viewers: 300, completed: 150, liked: 9 }, 0, 0.04).verdict).toBe('exhaust');
});

test('one more completion never makes a video worse, and one more like neither', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), (viewers, share, pool) => {
      const completed = Math.floor(share * (viewers - 1));
      const [less, more] = [judge({ viewers, completed, liked: 1 }, pool, 0.04), judge({ viewers, completed: completed + 1, liked: 2 }, pool, 0.04)];
      expect(more.pGood).toBeGreaterThanOrEqual(less.pGood - 1e-12);
      expect(more.pBad).toBeLessThanOrEqual(less.pBad + 1e-12);
      expect(more.pLiked).toBeGreaterThanOrEqual(less.pLiked - 1e-12);
    }),
  );
});
