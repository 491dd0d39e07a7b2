import { cdnTier } from '#schemas/events/cdn-tier.ts';
import { copyFound } from '#schemas/events/copy-found.ts';
import { moderationDecided } from '#schemas/events/moderation-decided.ts';
import { soundMatched } from '#schemas/events/sound-matched.ts';
import { videoAppealed } from '#schemas/events/video-appealed.ts';
import { videoErased } from '#schemas/events/video-erased.ts';
import { videoProgress } from '#schemas/events/video-progress.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { videoRejected } from '#schemas/events/video-rejected.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { videoUploaded } from '#schemas/events/video-uploaded.ts';
import { progressFeed, publishedFeed, rejectedFeed, removedFeed, uploadedFeed } from '#schemas/features/views/index.ts';
import {
  cdnTiers,
  copiesFound,
  moderationDecisions,
  soundMatches,
  videoAppeals,
  videosErased,
  videosProgressed,
  videosPublished,
  videosRejected,
  videosRemoved,
  videosUploaded,
} from '#schemas/tables/history.ts';
import { steps } from './engine/steps.ts';
import { features, rows, topology } from './engine/topology.ts';
import { dedupe } from './steps/dedupe.ts';
import { hasIds } from './steps/ids.ts';
import { inTime } from './steps/times.ts';

const decideCreated = steps(hasIds('eventId', 'videoId', 'creatorId'), inTime, dedupe);
const decideVideo = steps(hasIds('eventId', 'videoId'), inTime, dedupe);

export const uploadedHistory = topology(videosUploaded.group, { source: videoUploaded, steps: decideCreated, sink: rows(videosUploaded) });
export const uploadedOnline = topology(uploadedFeed.group, { source: videoUploaded, steps: decideCreated, sink: features(uploadedFeed.views) });
export const progressHistory = topology(videosProgressed.group, { source: videoProgress, steps: decideCreated, sink: rows(videosProgressed) });
export const progressOnline = topology(progressFeed.group, { source: videoProgress, steps: decideCreated, sink: features(progressFeed.views) });
export const rejectedHistory = topology(videosRejected.group, { source: videoRejected, steps: decideCreated, sink: rows(videosRejected) });
export const rejectedOnline = topology(rejectedFeed.group, { source: videoRejected, steps: decideCreated, sink: features(rejectedFeed.views) });
export const publishedHistory = topology(videosPublished.group, { source: videoPublished, steps: decideCreated, sink: rows(videosPublished) });
export const publishedOnline = topology(publishedFeed.group, { source: videoPublished, steps: decideCreated, sink: features(publishedFeed.views) });
export const removedHistory = topology(videosRemoved.group, { source: videoRemoved, steps: decideVideo, sink: rows(videosRemoved) });
export const tiersHistory = topology(cdnTiers.group, { source: cdnTier, steps: decideVideo, sink: rows(cdnTiers) });
export const removedOnline = topology(removedFeed.group, { source: videoRemoved, steps: decideVideo, sink: features(removedFeed.views) });
export const moderationHistory = topology(moderationDecisions.group, { source: moderationDecided, steps: decideVideo, sink: rows(moderationDecisions) });
export const appealsHistory = topology(videoAppeals.group, { source: videoAppealed, steps: decideVideo, sink: rows(videoAppeals) });
export const soundsHistory = topology(soundMatches.group, { source: soundMatched, steps: decideVideo, sink: rows(soundMatches) });
export const erasedHistory = topology(videosErased.group, { source: videoErased, steps: decideVideo, sink: rows(videosErased) });
export const copiesHistory = topology(copiesFound.group, { source: copyFound, steps: decideVideo, sink: rows(copiesFound) });
