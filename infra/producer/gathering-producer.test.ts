import { expect, test } from 'vitest';
import type { EventContract } from '#schemas/events/contract.ts';
import { edgePrewarm } from '#schemas/events/edge-prewarm.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { GatheringProducer } from './gathering-producer.ts';
import type { EventProducer } from './producer.ts';

/** Stands for a log: what was sent, call by call. */
function sink(fails = false) {
  const calls: { topic: string; ids: string[] }[] = [];
  const send = async (contract: EventContract, events: readonly { eventId: string }[]) => {
    calls.push({ topic: contract.topic, ids: events.map((e) => e.eventId) });
    if (fails) throw new Error('the log is away');
  };
  return { calls, gathering: new GatheringProducer({ send } as unknown as EventProducer) };
}
const removed = (eventId: string) => ({ eventId, videoId: 'v', occurredAt: 1, reason: 'creator' as const });
const prewarm = (eventId: string) => ({ eventId, videoId: 'v', region: 'DE', hlsUrl: 'u', firstSegmentUrl: '', occurredAt: 1, chance: 1 });

test('what comes within a moment goes together, each contract for itself, in its order', async () => {
  const { calls, gathering } = sink();
  await Promise.all([
    gathering.send(videoRemoved, [removed('a'), removed('b')]),
    gathering.send(edgePrewarm, [prewarm('x')]),
    gathering.send(videoRemoved, [removed('c')]),
  ]);
  await gathering.send(videoRemoved, [removed('d')]);
  expect(calls).toEqual([
    { topic: videoRemoved.topic, ids: ['a', 'b', 'c'] },
    { topic: edgePrewarm.topic, ids: ['x'] },
    { topic: videoRemoved.topic, ids: ['d'] },
  ]);
});

test('who sent something learns that it failed, and a stop waits for what is on its way', async () => {
  const { calls, gathering } = sink(true);
  const one = gathering.send(videoRemoved, [removed('a')]);
  one.catch(() => {});
  await gathering.settled();
  expect(calls).toHaveLength(1);
  await expect(one).rejects.toThrow('the log is away');
});
