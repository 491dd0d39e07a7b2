import { expect, test } from 'vitest';
import { MemoryLog } from '#infra/log/memory.ts';
import { ViewCatalog } from '#infra/online/delta.ts';
import { MemoryOnlineStore } from '#infra/online/memory.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { MemoryRegistry } from '#infra/registry/memory.ts';
import { MemoryTelemetry } from '#infra/telemetry/memory.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { contracts } from '#schemas/events/index.ts';
import { type VideoPublished, videoPublished } from '#schemas/events/video-published.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { allViews } from '#schemas/features/views/index.ts';
import { cardOfEvent } from '#schemas/features/views/videos.ts';
import { makeCatalogue } from '../../jobs/simulate/catalogue.ts';
import { foldInto } from '../../topologies/engine/feature-agreement.ts';
import { makeEngagement } from '../../topologies/faults/events.ts';
import { LiveDelta } from '../retrieval/live-delta.ts';
import { NewLooks } from '../retrieval/new-looks.ts';
import { Catalogue } from './catalogue.ts';
import { followVideos } from './follow-videos.ts';
import { LiveVideos } from './live-videos.ts';

const video = makeCatalogue(1, 1, Date.now() - 60_000)[0] as VideoPublished;
const card = cardOfEvent(video);

/** An online store that counts what it is asked for. */
class CountingStore extends MemoryOnlineStore {
  asked = 0;
  override async values(...args: Parameters<MemoryOnlineStore['values']>) {
    this.asked += args[1].length;
    return super.values(...args);
  }
}
const store = () => new CountingStore({ shards: 2, catalog: new ViewCatalog(allViews) });

test('the later of two facts wins, and at one moment the removal does, in any order', () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const facts = [
      { timeMs: 10, card },
      { timeMs: 10, card: null },
    ];
    const catalogue = new Catalogue(store());
    catalogue.following = true;
    for (const i of order) catalogue.learn('v', facts[i]?.timeMs as number, facts[i]?.card ?? null);
    expect(catalogue.card('v')).toBeNull();
    catalogue.learn('v', 11, card);
    expect(catalogue.card('v')).toEqual(card);
  }
});

test('while the log is followed a known card is not asked for again; otherwise the store is asked each time', async () => {
  const online = store();
  const catalogue = new Catalogue(online);
  const cards = async (ids: string[]) => (await catalogue.videos(ids)).map((v) => v.card);
  await cards(['a', 'a']);
  await cards(['a']);
  expect(online.asked).toBe(3);
  catalogue.following = true;
  catalogue.learn('a', 1, card);
  expect(await cards(['a', 'b'])).toEqual([card, null]);
  expect(online.asked).toBe(4);
  catalogue.following = false;
  expect(await cards(['a'])).toEqual([null]);
});

test('what is expected is learnt ahead, part by part, and requests then ask for nothing', async () => {
  const online = store();
  const catalogue = new Catalogue(online);
  online.tell(catalogue);
  catalogue.following = true;
  const ids = Array.from({ length: 600 }, (_, i) => `ahead-${i}`);
  const facts = ids.map((id, i) => ({ ...makeEngagement(i, `ahead-${i}`, Date.now()), videoId: id }));
  await foldInto(online, new ViewCatalog(allViews), [facts], 'ahead');
  for (const id of ids) catalogue.learn(id, 1, card);
  for (let part = 0; part < 3; part++) await catalogue.learnAhead(ids, Date.now());
  // The videos, and the one creator of all.
  expect(online.asked).toBe(601);
  await catalogue.learnAhead(ids, Date.now());
  const table = catalogue.table();
  const videos = table.numbers(ids);
  await catalogue.lookUp(table, videos);
  expect(table.features.missing(videos, videos.length, Date.now() + 60_000).size).toBe(0);
  expect(
    table.creatorFeatures.missing(
      videos.map((v) => table.creatorOf(v)),
      1,
      Date.now() + 60_000,
    ).size,
  ).toBe(0);
  expect(online.asked).toBe(601);
});

test('publications and removals reach the process through the log; what cannot be one is passed over', async () => {
  const log = new MemoryLog();
  const registry = new MemoryRegistry();
  await log.createTopics(contracts.map((c) => ({ name: c.topic, partitions: 2 })));
  const online = store();
  const catalogue = new Catalogue(online);
  const delta = new LiveDelta();
  const telemetry = new MemoryTelemetry();
  const following = followVideos({ log, registry, telemetry }, new LiveVideos(online, catalogue, delta, new NewLooks()));
  await eventually('the log is followed', async () => catalogue.following);
  const producer = new EventProducer({ log, registry });
  await log.append(videoPublished.topic, [{ key: video.videoId, value: Buffer.from('no event') }]);
  await producer.send(videoPublished, [video, { ...video, eventId: 'f', videoId: 'future', occurredAt: Date.now() + 3_600_000 }]);
  await eventually('it is known', async () => catalogue.card(video.videoId) !== undefined);
  expect([catalogue.card(video.videoId), catalogue.card('future'), delta.size]).toEqual([card, undefined, 1]);
  await producer.send(videoRemoved, [{ eventId: 'r', videoId: video.videoId, occurredAt: video.occurredAt + 1, reason: 'creator' }]);
  await eventually('it is gone', async () => catalogue.card(video.videoId) === null);
  expect(delta.size).toBe(0);
  await following.stop();
  expect(catalogue.following).toBe(false);
});
