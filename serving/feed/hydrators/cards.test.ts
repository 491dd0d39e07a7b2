import { expect, test } from 'vitest';
import { ViewCatalog } from '#infra/online/delta.ts';
import { membersOf } from '#infra/online/key-log.ts';
import { MemoryOnlineStore } from '#infra/online/memory.ts';
import { allViews } from '#schemas/features/views/index.ts';
import { Catalogue } from '../../catalogue/catalogue.ts';
import { notReportedByMe } from '../filters/not-reported-by-me.ts';
import { notSeen } from '../filters/not-seen.ts';
import type { FeedServices } from '../query.ts';
import { feedQuery } from '../testing.ts';
import { newcomer } from '../viewer.ts';
import { cards } from './cards.ts';
import { seen } from './seen.ts';

test('what a viewer reported, watched and was served is known even where this process first meets it in this request', async () => {
  const catalogue = new Catalogue(new MemoryOnlineStore({ shards: 2, catalog: new ViewCatalog(allViews) }));
  const viewer = { ...newcomer, reported: new Set(['reported']), seen: membersOf(['seen']) };
  const query = feedQuery(0, { viewer, served: new Set(['served']) });
  const { candidates, videos } = query;
  const ids = ['reported', 'seen', 'served', 'new'];
  candidates.merge([videos.numbers(ids)]);
  await cards({ catalogue } as unknown as FeedServices).hydrate(query, candidates);
  await seen.hydrate(query, candidates);
  const kept = ids.filter((_id, at) => [notReportedByMe, notSeen].every((f) => f.keep(query, candidates, at)));
  expect(kept).toEqual(['new']);
});
