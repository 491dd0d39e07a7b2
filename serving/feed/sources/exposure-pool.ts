import type { OnlineStore } from '#infra/online/online.ts';
import { exposure } from '#schemas/config/exposure.ts';
import { readLogWeight } from '#schemas/features/monoids.ts';
import { poolStateOf, trialRegions, trialViewers, videoPool } from '#schemas/features/views/exposure.ts';
import { freshVideos } from '#schemas/features/views/videos.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';
import { keptFor } from './kept-for.ts';
import { lots } from './lots.ts';
import { kindsOf } from './trial-audience.ts';

/** Videos that may be in a pool, how many of them are offered to one request, and how old the list may be. */
const newest = 1_000;
const offered = 20;
/** Some of the draws meet videos that wait, or were drawn already. */
const draws = 10 * offered;
const freshMs = 2_000;
/** Once so many have seen a video it matters where they are. */
const before = 20;

interface OpenVideo {
  readonly id: string;
  /** Shares of its viewers by region; empty while they are few. */
  readonly regions: ReadonlyMap<string, number>;
}

async function openVideos({ online, lists }: Pick<FeedServices, 'online' | 'lists'>, nowMs: number): Promise<OpenVideo[]> {
  const [ids] = await lists.keys([{ view: freshVideos, entity: 'world', limit: newest }]);
  const found = [...(ids ?? [])];
  const [states, viewers] = await Promise.all([online.values(videoPool, found), online.sizes(trialViewers, found)]);
  const open = found.flatMap((id, i) => {
    const { pool, open: isOpen } = poolStateOf(states[i]);
    const seenBy = viewers[i] as number;
    return isOpen && seenBy < exposure.patience * (exposure.pools[pool] ?? 0) ? [{ id, seenBy }] : [];
  });
  const many = open.flatMap(({ id, seenBy }) => (seenBy >= before ? [id] : []));
  const regions = await regionsOf(online, many, nowMs);
  return open.map(({ id }) => ({ id, regions: regions.get(id) ?? new Map() }));
}

async function regionsOf(online: OnlineStore, ids: readonly string[], nowMs: number): Promise<Map<string, ReadonlyMap<string, number>>> {
  const lists = await online.top(ids.map((entity) => ({ view: trialRegions, entity, limit: 20 })));
  return new Map(
    ids.map((id, i) => {
      const { keys = [], scores = [] } = lists[i] ?? {};
      const counts = scores.map((score) => readLogWeight(score, nowMs, trialRegions.halfLifeMs));
      const all = counts.reduce((sum, n) => sum + n, 0);
      return [id, new Map(keys.map((region, k) => [region, (counts[k] as number) / all]))];
    }),
  );
}

/**
 * Unknown videos that still earn viewers. Which of them a viewer is offered is drawn without regard to his tastes:
 * what strangers do with a video is the evidence. A video that one kind of viewers has seen most waits for the others.
 */
export const exposurePool = (services: FeedServices): Source<FeedQuery> => {
  const { trials } = services;
  const videos = keptFor(freshMs, (nowMs) => openVideos(services, nowMs));
  return {
    name: 'exposure-pool',
    budgetMs: 60,
    async find(query) {
      const { nowMs, region, seed, position, videos: table } = query;
      const kinds = kindsOf(query);
      trials.met(kinds);
      const open = await videos(nowMs);
      const waits = (v: OpenVideo) => trials.tooMany(kinds[0] as string, v.regions.get(region) ?? 0) || trials.waits(v.id, kinds);
      if (open.length <= 2 * offered) return table.numbers(open.flatMap((v) => (waits(v) ? [] : [v.id])));
      const next = lots(seed, position);
      const chosen = new Set<string>();
      for (let draw = 0; draw < draws && chosen.size < offered; draw++) {
        const video = open[next() % open.length] as OpenVideo;
        if (!chosen.has(video.id) && !waits(video)) chosen.add(video.id);
      }
      return table.numbers([...chosen]);
    },
  };
};
