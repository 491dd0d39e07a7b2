import { feedServed } from '#schemas/events/feed-served.ts';
import { follow } from '#schemas/events/follow.ts';
import { socialViews } from '#schemas/features/views/social.ts';
import { feedItemsServed, follows } from '#schemas/tables/history.ts';
import { steps } from './engine/steps.ts';
import { features, rows, topology } from './engine/topology.ts';
import { dedupe } from './steps/dedupe.ts';
import { hasIds } from './steps/ids.ts';
import { inTime } from './steps/times.ts';

const decideFollow = steps(hasIds('eventId', 'userId', 'creatorId'), inTime, dedupe);

export const followHistory = topology('follow-history', { source: follow, steps: decideFollow, sink: rows(follows) });
export const followOnline = topology('follow-online', { source: follow, steps: decideFollow, sink: features(socialViews) });

/** What was served, with the features as scored: the rows that training reads. */
export const servedHistory = topology('feed-served-history', {
  source: feedServed,
  steps: steps(hasIds('eventId', 'userId', 'videoId', 'requestId'), inTime, dedupe),
  sink: rows(feedItemsServed),
});
