import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { moderationRules } from '#schemas/config/moderation.ts';
import { engagements, moderationDecisions, videoAppeals } from '#schemas/tables/history.ts';

export interface ReviewItem {
  readonly videoId: string;
  readonly why: 'held' | 'reported' | 'appealed';
  readonly since: number;
  readonly detail: string;
  readonly scores: string;
  readonly reporters: number;
}

const most = 200;

/** What no reviewer has decided since: holds, reports by several people, appeals. */
const sql = `
WITH reviewed AS (SELECT video_id, max(occurred_at) AS at FROM ${moderationDecisions.name} WHERE by = 'reviewer' GROUP BY video_id)
SELECT video_id AS videoId, why, toUnixTimestamp64Milli(since) AS since, detail, scores, reporters FROM (
  SELECT h.video_id AS video_id, 'held' AS why, h.occurred_at AS since, h.reason AS detail, h.scores AS scores, 0 AS reporters
    FROM ${moderationDecisions.name} AS h WHERE h.verdict = 'hold'
  UNION ALL
  SELECT e.video_id, 'reported', max(e.occurred_at), '', '', toInt32(uniqExact(e.user_id))
    FROM ${engagements.name} AS e LEFT JOIN reviewed AS r ON r.video_id = e.video_id
    WHERE e.kind = 'report' AND e.occurred_at > r.at GROUP BY e.video_id HAVING uniqExact(e.user_id) >= ${moderationRules.reportersMin}
  UNION ALL
  SELECT a.video_id, 'appealed', a.occurred_at, a.words, '', 0 FROM ${videoAppeals.name} AS a
) AS q LEFT JOIN reviewed AS r ON r.video_id = q.video_id WHERE q.since > r.at ORDER BY since LIMIT ${most}`;

export const readReviewQueue = (warehouse: Warehouse): Promise<readonly ReviewItem[]> => warehouse.query<ReviewItem>(sql);
