import { edgePrewarm } from '#schemas/events/edge-prewarm.ts';
import type { Effect } from '../../engine/pipeline.ts';
import { prefetchCount } from '../prefetch.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** Once the edge of a region was told of a video it knows for so long. */
const knownMs = 30_000;
const most = 100_000;
/** Somebody who sees an item goes on to the next one about this often. */
const goesOn = 0.9;

/** Tells the edge which videos are about to be played where: the next ones of this page, each region once in a while. */
export const prewarmEdge = ({ gathering }: FeedServices): Effect<FeedQuery, FeedCandidate> => {
  const told = new Map<string, number>();
  return {
    name: 'prewarm-edge',
    async run({ region, nowMs }, served) {
      const slot = Math.floor(nowMs / knownMs);
      if (told.size > most) told.clear();
      const events = served.slice(0, prefetchCount).flatMap((c, i) => {
        const key = `${c.id}/${region}`;
        if (!c.card || c.card.hlsUrl === '' || told.get(key) === slot) return [];
        told.set(key, slot);
        const { hlsUrl, firstSegmentUrl } = c.card;
        return [{ eventId: `${key}/${slot}`, videoId: c.id, region, hlsUrl, firstSegmentUrl: firstSegmentUrl ?? '', occurredAt: nowMs, chance: goesOn ** i }];
      });
      if (events.length > 0) await gathering.send(edgePrewarm, events);
    },
  };
};
