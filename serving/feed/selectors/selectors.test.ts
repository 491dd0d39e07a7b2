import fc from 'fast-check';
import { expect, test } from 'vitest';
import { selection } from '#schemas/config/selection.ts';
import { rankingFeature } from '#schemas/features/ranking.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';
import { newcomer } from '../viewer.ts';
import { creatorDiversity } from './creator-diversity.ts';
import { first } from './first.ts';
import { newCreators } from './new-creators.ts';
import { slots } from './slots.ts';
import { startersFirst } from './starters.ts';
import { variety } from './variety.ts';

const watches = rankingFeature('creator.watches_d14');
const sources = ['fresh', 'trending-in-region', 'exposure-pool', 'explore', 'live-now'];

const ranked = fc
  .array(fc.record({ creator: fc.nat(6), topic: fc.nat(4), source: fc.nat(4), watches: fc.nat(300), score: fc.double({ min: -20, max: 20, noNaN: true }) }), {
    maxLength: 80,
  })
  .map((items) =>
    items
      .sort((a, b) => b.score - a.score)
      .map((item, i) => {
        return {
          id: `v${i}`,
          sources: [sources[item.source]],
          score: item.score,
          seen: false,
          reason: '',
          propensity: 1,
          feature: (place: number) => (place === watches ? item.watches : 0),
          creator: item.creator,
          topic: item.topic,
          card: {},
        } as unknown as FeedCandidate;
      }),
  );
const counts = fc.integer({ min: 1, max: 50 });
const positions = fc.nat(60);
const query = (count: number, position = 0) =>
  ({ count, position, seed: 7, allowSeen: false, viewer: newcomer, selection, retrieval: null }) as unknown as FeedQuery;

const all = [variety, newCreators, creatorDiversity, startersFirst, slots];

test.each([...all, first])('$name never invents, never repeats, and leaves out nothing but what was not asked for', (selector) => {
  fc.assert(
    fc.property(ranked, counts, positions, (list, count, position) => {
      const selected = selector.select(query(count, position), list);
      expect(new Set(selected).size).toBe(selected.length);
      expect(selected.every((c) => list.includes(c))).toBe(true);
      expect(selected.length).toBe(selector === first ? Math.min(count, list.length) : list.length);
    }),
  );
});

test('a video that was removed meanwhile is not shown, and the next one stands in its place', () => {
  const list = ['a', 'b', 'c', 'd'].map((id) => ({ id, sources: ['fresh'], reason: '', card: id === 'b' ? null : {} }) as unknown as FeedCandidate);
  expect(first.select(query(3), list).map((c) => c.id)).toEqual(['a', 'c', 'd']);
});

test('one creator does not stand next to himself while there are others', () => {
  fc.assert(
    fc.property(ranked, (list) => {
      const selected = creatorDiversity.select(query(80), list);
      for (let i = 1; i < selected.length; i++) {
        if (selected[i]?.creator !== selected[i - 1]?.creator) continue;
        // Only when what was left had no other creator that could stand here.
        const rest = selected.slice(i);
        const near = selected.slice(Math.max(0, i - 3), i).map((c) => c.creator);
        expect(rest.every((c) => near.includes(c.creator))).toBe(true);
      }
    }),
  );
});

test('a slot that has candidates is never lost, whatever the selectors before it did, and its chance is that of the draw', () => {
  fc.assert(
    fc.property(ranked, counts, positions, (list, count, position) => {
      const ask = query(count, position);
      const page = [...all, first].reduce<readonly FeedCandidate[]>((kept, s) => s.select(ask, kept), list);
      const offered = list.filter((c) => c.sources.includes('exposure-pool')).length;
      const at = page.findIndex((_c, i) => (position + i) % 10 === 4);
      // A list too short for its slots closes up.
      if (at < 0 || offered === 0 || list.length <= at + 8) return;
      expect(page[at]?.sources).toContain('exposure-pool');
      expect(page[at]?.reason).toBe('exposure-pool');
      expect(1 / (page[at]?.propensity as number)).toBeLessThanOrEqual(offered);
    }),
  );
});

test('the best broadcast has its place, and the others of them stand behind everything else', () => {
  fc.assert(
    fc.property(ranked, positions, (list, position) => {
      const page = slots.select(query(20, position), list);
      const live = list.filter((c) => c.sources.includes('live-now'));
      const at = page.findIndex((_c, i) => (position + i) % 20 === 9);
      if (live.length === 0 || list.length < 40) return;
      const best = live.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))[0];
      expect(page[at]).toBe(best);
      expect([best?.reason, best?.propensity]).toEqual(['live-now', 1]);
      const tail = page.slice(page.length - live.length + 1);
      expect(tail.every((c) => live.includes(c))).toBe(true);
    }),
  );
});

test('without weight variety is the order of the scores; with all of it no topic comes twice while another is there', () => {
  fc.assert(
    fc.property(ranked, (list) => {
      const plain = variety.select({ ...query(20), selection: { ...selection, variety: 0 } }, list);
      expect(plain.map((c) => c.score)).toEqual(list.map((c) => c.score));
      const head = variety.select({ ...query(20), selection: { ...selection, variety: 1 } }, list).slice(0, 5);
      const topics = new Set(list.slice(0, 120).map((c) => `${c.topic} ${c.creator}`));
      if (topics.size >= 40) expect(new Set(head.map((c) => c.topic)).size).toBeGreaterThanOrEqual(3);
    }),
  );
});

test('a new creator rises by some places, and nobody else does', () => {
  fc.assert(
    fc.property(ranked, (list) => {
      const after = newCreators.select(query(10), list);
      list.forEach((c, from) => {
        const rise = from - after.indexOf(c);
        expect(rise).toBeLessThanOrEqual(c.feature(watches) < selection.newCreatorWatches ? selection.newCreatorLift : 0);
      });
    }),
  );
});

test('the first five of a newcomer come from what does well where he is, a topic each while there are enough', () => {
  fc.assert(
    fc.property(ranked, (list) => {
      const trending = list.filter((c) => c.sources.includes('trending-in-region'));
      const topics = new Set(trending.map((c) => c.topic));
      const head = startersFirst.select(query(10), list).slice(0, Math.min(5, trending.length));
      expect(head.every((c) => trending.includes(c))).toBe(true);
      expect(new Set(head.map((c) => c.topic)).size).toBe(Math.min(head.length, topics.size));
      const known = { ...query(10), viewer: { ...newcomer, step: 'content' as const } };
      expect(startersFirst.select(known, list)).toEqual(list);
    }),
  );
});
