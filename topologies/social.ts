import { feedServed } from '#schemas/events/feed-served.ts';
import { follow } from '#schemas/events/follow.ts';
import { followFeed } from '#schemas/features/views/index.ts';
import { feedItemsServed, follows } from '#schemas/tables/history.ts';
import { steps } from './engine/steps.ts';
import { features, rows, topology } from './engine/topology.ts';
import { dedupe } from './steps/dedupe.ts';
import { hasIds } from './steps/ids.ts';
import { inTime } from './steps/times.ts';

const decideFollow = steps(hasIds('eventId', 'userId', 'creatorId'), inTime, dedupe);

export const followHistory = topology(follows.group, { source: follow, steps: decideFollow, sink: rows(follows) });
export const followOnline = topology(followFeed.group, { source: follow, steps: decideFollow, sink: features(followFeed.views) });

/** What was served, with the features as scored: the rows that training reads. */
export const servedHistory = topology(feedItemsServed.group, {
  source: feedServed,
  steps: steps(hasIds('eventId', 'userId', 'videoId', 'requestId'), inTime, dedupe),
  sink: rows(feedItemsServed),
});
