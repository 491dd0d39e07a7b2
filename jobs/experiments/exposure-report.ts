import { completedSql } from '#schemas/events/watch.ts';
import { engagements, feedItemsServed, videosPublished } from '#schemas/tables/history.ts';
import { concentrationTable, exposureReportTable } from '#schemas/tables/reports.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';

const dayMs = 86_400_000;
const at = (ms: number): string => `fromUnixTimestamp64Milli(${ms})`;

/** Newest card of each video, with how large its creator is. */
const catalogue = `SELECT video_id, creator_id, region AS creator_region, topics[1] AS topic,
    multiIf(videos < 3, '1-2 videos', videos < 10, '3-9 videos', videos < 50, '10-49 videos', '50 videos and more') AS creator_size
  FROM (SELECT video_id, argMax(creator_id, occurred_at) AS creator_id, argMax(region, occurred_at) AS region, argMax(topics, occurred_at) AS topics
    FROM ${videosPublished.name} GROUP BY video_id) AS v
  LEFT JOIN (SELECT creator_id AS c, uniqExact(video_id) AS videos FROM ${videosPublished.name} GROUP BY creator_id) AS s ON v.creator_id = s.c`;

const dimensions = ['creator_size', 'creator_region', 'topic', 'viewer_region'] as const;

/** Impressions of the day with what followed each: watched to the end or not, and the share completed that the features promised. */
const impressions = (
  fromMs: number,
  toMs: number,
): string => `SELECT s.video_id AS video_id, e.watched AS watched, e.completed AS completed, e.viewer_region AS viewer_region,
    JSONExtractFloat(s.features, 'video.completes_d1') AS c, JSONExtractFloat(s.features, 'video.watches_d1') AS w
  FROM ${feedItemsServed.name} AS s
  LEFT JOIN (SELECT request_id, video_id, user_id, max(kind = 'watch') AS watched, max(${completedSql}) AS completed, any(region) AS viewer_region
    FROM ${engagements.name} WHERE request_id != '' AND occurred_at >= ${at(fromMs)} GROUP BY request_id, video_id, user_id) AS e
    ON s.request_id = e.request_id AND s.video_id = e.video_id AND s.user_id = e.user_id
  WHERE s.occurred_at >= ${at(fromMs)} AND s.occurred_at < ${at(toMs)}`;

function groupSql(dimension: (typeof dimensions)[number], shown: string, hour: string): string {
  const ofCatalogue = dimension === 'viewer_region' ? 'NULL' : `(SELECT count() FROM (${catalogue}))`;
  const inCatalogue =
    dimension === 'viewer_region' ? `(SELECT '' AS g, 0 AS videos)` : `(SELECT ${dimension} AS g, count() AS videos FROM (${catalogue}) GROUP BY g)`;
  // Rates are smoothed as the ranker's are: eight imagined watches at the usual rate.
  return `SELECT ${hour}, '${dimension}', toString(i.g), i.n, i.n / greatest(1, sum(i.n) OVER ()), coalesce(k.videos / nullIf(${ofCatalogue}, 0), 0),
      i.completion, i.predicted, i.completion - i.predicted
    FROM (SELECT ${dimension} AS g, count() AS n, avgIf(completed, watched = 1) AS completion, avgIf((c + 3.2) / (w + 8), watched = 1) AS predicted
      FROM (${shown}) AS s LEFT JOIN (${catalogue}) AS v ON s.video_id = v.video_id GROUP BY g) AS i
    LEFT JOIN ${inCatalogue} AS k ON i.g = k.g`;
}

/** Gini coefficient of impressions over everything that could have been shown: 0 is equal, 1 is all for one. */
function giniSql(over: 'video_id' | 'creator_id', shown: string, hour: string): string {
  return `SELECT ${hour}, '${over}', if(total = 0, 0, (2 * weighted / (all * total)) - (all + 1) / all), shown, all FROM (
      SELECT count() AS all, countIf(n > 0) AS shown, sum(n) AS total, sum(place * n) AS weighted FROM (
        SELECT n, row_number() OVER (ORDER BY n) AS place FROM (
          SELECT v.${over} AS id, countIf(s.video_id != '') AS n FROM (${catalogue}) AS v LEFT JOIN (${shown}) AS s ON v.video_id = s.video_id GROUP BY id)))`;
}

async function report({ warehouse }: JobPorts, run: JobRun): Promise<Readonly<Record<string, number>>> {
  const toMs = run.hour.getTime() + 3_600_000;
  const shown = impressions(toMs - dayMs, toMs);
  const [found] = await warehouse.query<{ n: number }>(`SELECT count() AS n FROM (${shown})`);
  if (run.dryRun || !found || found.n === 0) return { rows: found?.n ?? 0 };
  for (const statement of [exposureReportTable, concentrationTable]) await warehouse.command(statement);
  const hour = at(run.hour.getTime());
  for (const [i, dimension] of dimensions.entries()) {
    await warehouse.command(`INSERT INTO exposure_report ${groupSql(dimension, shown, hour)}`);
    run.progress('share of exposure', i + 1, dimensions.length);
  }
  for (const over of ['video_id', 'creator_id'] as const) await warehouse.command(`INSERT INTO feed_concentration ${giniSql(over, shown, hour)}`);
  const rows = await warehouse.query<{ over: string; gini: number }>(`SELECT over, gini FROM feed_concentration FINAL WHERE hour = ${hour}`);
  return { rows: found.n, ...Object.fromEntries(rows.map((r) => [`gini_${r.over.replace('_id', 's')}`, r.gini])) };
}

export const exposureReport: Job<JobPorts> = {
  name: 'exposure-report',
  doc: 'Says who is shown: exposure by size of creator, region and topic, calibration by group, and how concentrated the feed is.',
  schedule: '25 * * * *',
  inputs: [feedItemsServed.name, engagements.name, videosPublished.name],
  outputs: ['exposure_report', 'feed_concentration'],
  run: report,
};
