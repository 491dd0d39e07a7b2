import fc from 'fast-check';
import { expect, test } from 'vitest';
import { baseFeatureCount, baseFeatures, baseValues, rankingFeatures } from './ranking.ts';

test('logged features are JSON of what the row holds, without what says nothing', () => {
  const number = fc.oneof(fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY), fc.float(), fc.integer({ min: -5, max: 5 }));
  fc.assert(
    fc.property(fc.array(number, { minLength: rankingFeatures.length, maxLength: rankingFeatures.length }), (values) => {
      const row = Float32Array.from(values);
      const expected = baseFeatures.flatMap((name, i) => (row[i] !== 0 && Number.isFinite(row[i]) ? [[name, row[i]]] : []));
      expect(JSON.parse(baseValues(row))).toEqual(Object.fromEntries(expected));
    }),
  );
  expect(baseValues(new Float32Array(rankingFeatures.length))).toBe('{}');
  expect(baseFeatures.length).toBe(baseFeatureCount);
});
