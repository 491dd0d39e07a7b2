import { expect, test } from 'vitest';
import { simulateExposure } from './exposure.ts';

const settings = { videos: 300, good: 0.15, bad: 0.35, slots: 0.1, seed: 5 };

test('good unknown videos rise and bad ones stop within their first hundreds of viewers, at the cost of a few percent', () => {
  const { kinds, cost } = simulateExposure({ ...settings, impressions: 600_000 });
  expect(kinds.good.second).toBeGreaterThan(0.9);
  expect(kinds.middling.second).toBeLessThan(0.05);
  expect(kinds.bad.held).toBeGreaterThan(0.95);
  expect(cost).toBeLessThan(0.03);
});

test('with more viewers the good ones go on', () => {
  const { kinds } = simulateExposure({ ...settings, impressions: 2_000_000 });
  expect(kinds.good.third).toBeGreaterThan(0.5);
  expect(kinds.bad.second).toBe(0);
});
