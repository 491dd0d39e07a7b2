import type { OnlineStore } from '#infra/online/online.ts';
import { averageLikeRateOf, type Evidence, exposure, exposureReason, judge } from '#schemas/config/exposure.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { type PoolDecision, poolDecision } from '#schemas/events/pool-decision.ts';
import { poolStateOf, trialCompleted, trialLiked, trialVideos, trialViewers, videoPool } from '#schemas/features/views/exposure.ts';
import { decisionFeed, engagementFeed } from '#schemas/features/views/index.ts';
import { poolDecisions } from '#schemas/tables/history.ts';
import { drop, ok, step, steps } from './engine/steps.ts';
import { type Decider, decisions, features, rows, topology } from './engine/topology.ts';
import { dedupe } from './steps/dedupe.ts';
import { measurable } from './steps/engagement.ts';
import { hasIds } from './steps/ids.ts';
import { inTime } from './steps/times.ts';

/** What an exposure pool caused; everything else says nothing of an unknown video's chances with strangers. */
const fromPool = step<Engagement>('fromPool', (e) => (e.reason === exposureReason ? ok : drop('not-from-a-pool')));

/** Videos whose likes make the average. */
const compared = 500;

async function evidenceOf(online: OnlineStore, videos: readonly string[]): Promise<Evidence[]> {
  const [viewers, completed, liked] = await Promise.all([trialViewers, trialCompleted, trialLiked].map((view) => online.sizes(view, videos)));
  return videos.map((_video, i) => ({ viewers: viewers?.[i] ?? 0, completed: completed?.[i] ?? 0, liked: liked?.[i] ?? 0 }));
}

async function averageLikeRate(online: OnlineStore): Promise<number> {
  const [lately] = await online.top([{ view: trialVideos, entity: 'world', limit: compared }]);
  const all = await evidenceOf(online, lately?.keys ?? []);
  return averageLikeRateOf(
    all.reduce((sum, e) => sum + e.viewers, 0),
    all.reduce((sum, e) => sum + e.liked, 0),
  );
}

/** Decides about videos that pools have just shown to somebody. */
const poolDecider: Decider = {
  after: engagementFeed.group,
  entity: 'videoId',
  contract: poolDecision,
  async decide(videos, online, atMs): Promise<PoolDecision[]> {
    const [states, evidence, average] = await Promise.all([online.values(videoPool, videos), evidenceOf(online, videos), averageLikeRate(online)]);
    return videos.flatMap((videoId, i) => {
      const { pool, open } = poolStateOf(states[i]);
      const known = evidence[i] as Evidence;
      if (!open || pool >= exposure.pools.length) return [];
      const { verdict, ...posteriors } = judge(known, pool, average);
      if (verdict === 'wait') return [];
      return [
        {
          eventId: `${videoId}/${pool}`,
          videoId,
          pool,
          verdict,
          occurredAt: atMs,
          ...known,
          averageLikeRate: average,
          ...posteriors,
          rule: String(exposure.version),
        },
      ];
    });
  },
};

export const exposurePools = topology('exposure-pools', {
  source: engagement,
  steps: steps(hasIds('eventId', 'userId', 'videoId'), measurable, inTime, dedupe, fromPool),
  sink: decisions(poolDecider),
});

const decideDecision = steps(hasIds('eventId', 'videoId'), inTime, dedupe);
export const decisionsHistory = topology(poolDecisions.group, { source: poolDecision, steps: decideDecision, sink: rows(poolDecisions) });
export const decisionsOnline = topology(decisionFeed.group, { source: poolDecision, steps: decideDecision, sink: features(decisionFeed.views) });
