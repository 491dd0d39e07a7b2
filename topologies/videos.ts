import { cdnTier } from '#schemas/events/cdn-tier.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { videoUploaded } from '#schemas/events/video-uploaded.ts';
import { publishedFeed, removedFeed } from '#schemas/features/views/index.ts';
import { cdnTiers, videosPublished, videosRemoved, videosUploaded } from '#schemas/tables/history.ts';
import { steps } from './engine/steps.ts';
import { features, rows, topology } from './engine/topology.ts';
import { dedupe } from './steps/dedupe.ts';
import { hasIds } from './steps/ids.ts';
import { inTime } from './steps/times.ts';

const decidePublished = steps(hasIds('eventId', 'videoId', 'creatorId'), inTime, dedupe);
const decideRemoved = steps(hasIds('eventId', 'videoId'), inTime, dedupe);

export const uploadedHistory = topology(videosUploaded.group, { source: videoUploaded, steps: decidePublished, sink: rows(videosUploaded) });
export const publishedHistory = topology(videosPublished.group, { source: videoPublished, steps: decidePublished, sink: rows(videosPublished) });
export const publishedOnline = topology(publishedFeed.group, { source: videoPublished, steps: decidePublished, sink: features(publishedFeed.views) });
export const removedHistory = topology(videosRemoved.group, { source: videoRemoved, steps: decideRemoved, sink: rows(videosRemoved) });
export const tiersHistory = topology(cdnTiers.group, { source: cdnTier, steps: decideRemoved, sink: rows(cdnTiers) });
export const removedOnline = topology(removedFeed.group, { source: videoRemoved, steps: decideRemoved, sink: features(removedFeed.views) });
