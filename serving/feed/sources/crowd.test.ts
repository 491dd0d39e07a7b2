import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '#infra/testing/test-stack.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { regionTrending, worldTrending } from '#schemas/features/views/engagement.ts';
import { engagementOnline } from '../../../topologies/engagement.ts';
import { memorySetting } from '../../../topologies/engine/guide/setting.ts';
import { runTopology } from '../../../topologies/engine/runner.ts';
import { makeEngagement } from '../../../topologies/faults/events.ts';
import { SharedLists } from './shared-lists.ts';

const nowMs = Date.now();
let next = 0;
const answer = (userId: string, videoId: string, kind: Engagement['kind'] = 'watch'): Engagement => ({
  ...makeEngagement(next++, 'crowd', nowMs),
  userId,
  videoId,
  kind,
  creatorId: 'c',
  topic: '',
  region: 'DE',
  occurredAt: nowMs - 60_000 + next,
  watchedMs: kind === 'watch' ? 10_000 : 0,
  durationMs: 10_000,
  loops: 0,
  reason: '',
});
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

let lists: SharedLists;
let raw: readonly string[];
let stop: () => Promise<void>;
beforeAll(async () => {
  const { services, producer } = await memorySetting();
  const running = await runTopology(engagementOnline, services);
  stop = () => running.stop();
  await producer.send(engagement, [
    // People who have watched this and that: sixty of them finish one video, fifteen another.
    ...times(60, (u) => times(12, (v) => answer(`person-${u}`, `usual-${(u + v) % 300}`))).flat(),
    ...times(60, (u) => answer(`person-${u}`, 'loved')),
    ...times(15, (u) => answer(`person-${u}`, 'liked')),
    // One of them sees his own video again and again, and shares it each time.
    ...times(400, () => [answer('person-1', 'pushed'), answer('person-1', 'pushed', 'share')]).flat(),
    // Four hundred accounts that were made for one video.
    ...times(400, (u) => [answer(`bot-${u}`, 'bought'), answer(`bot-${u}`, 'bought', 'like')]).flat(),
  ]);
  await eventually('all is counted', async () => {
    const [offset] = await services.log.offsets(engagement.topic);
    return (await services.log.committedOf(engagementOnline.name, engagement.topic))[0]?.offset === offset?.high;
  });
  const [list] = await services.online.top([{ view: regionTrending, entity: 'DE', limit: 200 }]);
  raw = list?.keys ?? [];
  lists = new SharedLists(services.online);
});
afterAll(() => stop());

test('one account and a burst of new ones stand high by what was counted, and not among trends', async () => {
  // What was counted alone would fall for both.
  expect(new Set(raw.slice(0, 2))).toEqual(new Set(['pushed', 'bought']));
  const trends = await lists.trending([
    { view: regionTrending, entity: 'DE', limit: 200 },
    { view: worldTrending, entity: 'world', limit: 200 },
  ]);
  for (const trend of trends) {
    expect(trend.slice(0, 2)).toEqual(['loved', 'liked']);
    // The four hundred count as eight would.
    expect(trend.indexOf('bought')).toBeGreaterThan(1);
    expect(trend.indexOf('pushed')).toBeGreaterThan(10);
    expect(new Set(trend)).toEqual(new Set(raw));
  }
});

test('where everybody is new, what more people answer well still comes first', async () => {
  const { services, producer } = await memorySetting();
  const running = await runTopology(engagementOnline, services);
  await producer.send(engagement, [...times(9, (u) => answer(`n-${u}`, 'nine')), ...times(3, (u) => answer(`n-${u}`, 'three'))]);
  await eventually('it is counted', async () => (await services.online.top([{ view: regionTrending, entity: 'DE', limit: 5 }]))[0]?.keys.length === 2);
  await eventually('all of it', async () => (await services.log.committedOf(engagementOnline.name, engagement.topic))[0]?.offset === 12);
  expect(await new SharedLists(services.online).trending([{ view: regionTrending, entity: 'DE', limit: 5 }])).toEqual([['nine', 'three']]);
  await running.stop();
});
