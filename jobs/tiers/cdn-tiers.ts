import type { Log } from '#infra/log/log.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import type { SchemaRegistry } from '#infra/registry/registry.ts';
import { type CdnTier, cdnTier } from '#schemas/events/cdn-tier.ts';
import { completedSql, earlySkipSql } from '#schemas/events/watch.ts';
import { engagements, cdnTiers as table, videosPublished } from '#schemas/tables/history.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';
import { type EarlyLife, fitTiers } from './tier-model.ts';

export interface TierPorts extends JobPorts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly code: string;
}

const minuteMs = 60_000;
const earlyMs = 30 * minuteMs;
const dayMs = 1_440 * minuteMs;
const learnDays = 14;
/** A run may be late by so much, and a video is foretold all the same. */
const patienceMs = 6 * 60 * minuteMs;

const at = (ms: number): string => `fromUnixTimestamp64Milli(${ms})`;

/** The first half hour and the day after it, of every video published in [from, to). */
const livesSql = (fromMs: number, toMs: number, nowMs: number): string => {
  const early = `e.age >= 0 AND e.age < ${earlyMs}`;
  const watch = "e.kind = 'watch'";
  return `SELECT p.video_id AS videoId, toUnixTimestamp64Milli(p.published) AS publishedAt,
    countIf(${watch} AND ${early}) AS watches, uniqExactIf(e.user_id, ${watch} AND ${early}) AS viewers, countIf(e.done AND ${early}) AS completed,
    countIf(e.skipped AND ${early}) AS early, countIf(e.kind = 'like' AND ${early}) AS likes, countIf(e.kind = 'share' AND ${early}) AS shares,
    countIf(${watch} AND ${early} AND e.age >= ${earlyMs - 10 * minuteMs}) AS lately, any(c.mean) AS creator,
    if(publishedAt + ${earlyMs + dayMs} <= ${nowMs}, countIf(${watch} AND e.age >= ${earlyMs} AND e.age < ${earlyMs + dayMs}), NULL) AS later
    FROM (SELECT video_id, min(occurred_at) AS published, any(creator_id) AS creator_id FROM ${videosPublished.name} GROUP BY video_id
      HAVING published >= ${at(fromMs)} AND published < ${at(toMs)}) AS p
    LEFT JOIN (SELECT x.video_id AS video_id, x.user_id AS user_id, x.kind AS kind, ${completedSql} AS done, ${earlySkipSql} AS skipped,
        toUnixTimestamp64Milli(x.occurred_at) - toUnixTimestamp64Milli(v.published) AS age
      FROM ${engagements.name} AS x INNER JOIN (SELECT video_id, min(occurred_at) AS published FROM ${videosPublished.name} GROUP BY video_id) AS v ON x.video_id = v.video_id) AS e
      ON p.video_id = e.video_id
    LEFT JOIN (SELECT creator_id, count() / greatest(1, uniqExact(video_id)) AS mean FROM ${engagements.name}
      WHERE kind = 'watch' AND occurred_at < ${at(fromMs + dayMs)} AND creator_id != '' GROUP BY creator_id) AS c ON p.creator_id = c.creator_id
    GROUP BY p.video_id, p.published`;
};

async function foretell(ports: TierPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  // By the log's clock: what the warehouse does not hold yet was not seen.
  const [newest] = await ports.warehouse.query<{ ms: number }>(`SELECT toUnixTimestamp64Milli(max(appended_at)) AS ms FROM ${engagements.name}`);
  const nowMs = newest?.ms ?? 0;
  const lives = await ports.warehouse.query<EarlyLife>(livesSql(nowMs - learnDays * dayMs, nowMs - earlyMs, nowMs));
  const model = fitTiers(lives);
  if (!model) return { rows: lives.length, videos: 0 };
  const quality = { precisionHot: model.precision.hot, precisionWarm: model.precision.warm, trivialHot: model.trivial.hot, trivialWarm: model.trivial.warm };
  const told = new Set((await ports.warehouse.query<{ video_id: string }>(`SELECT video_id FROM ${table.name}`)).map((r) => r.video_id));
  const due = lives.filter((v) => v.publishedAt >= nowMs - earlyMs - patienceMs && !told.has(v.videoId));
  const events = due.map((v): CdnTier => {
    const expectedWatches = model.expected(v);
    return { eventId: `${v.videoId}/tier`, videoId: v.videoId, tier: model.tierOf(expectedWatches), expectedWatches, occurredAt: nowMs, model: ports.code };
  });
  run.check();
  if (!run.dryRun && events.length > 0) await new EventProducer(ports).send(cdnTier, events);
  return {
    rows: model.videos,
    foretold: events.length,
    hot: events.filter((e) => e.tier === 'hot').length,
    warm: events.filter((e) => e.tier === 'warm').length,
    ...quality,
  };
}

export const cdnTiers: Job<TierPorts> = {
  name: 'cdn-tiers',
  doc: 'Foretells from the first half hour of a video how much it will be watched, and where the edge should keep it.',
  schedule: '*/10 * * * *',
  inputs: [videosPublished.name, engagements.name],
  outputs: [`topic:${cdnTier.topic}`],
  run: foretell,
};
