import { cdnTier } from './cdn-tier.ts';
import type { EventContract } from './contract.ts';
import { copyFound } from './copy-found.ts';
import { edgePrewarm } from './edge-prewarm.ts';
import { engagement } from './engagement.ts';
import { feedServed } from './feed-served.ts';
import { follow } from './follow.ts';
import { moderationDecided } from './moderation-decided.ts';
import { poolDecision } from './pool-decision.ts';
import { soundMatched } from './sound-matched.ts';
import { videoAppealed } from './video-appealed.ts';
import { videoErased } from './video-erased.ts';
import { videoProgress } from './video-progress.ts';
import { videoPublished } from './video-published.ts';
import { videoRejected } from './video-rejected.ts';
import { videoRemoved } from './video-removed.ts';
import { videoUploaded } from './video-uploaded.ts';

/** Every contract of the platform; topics, registry subjects and `.avsc` files follow from it. */
export const contracts = [
  engagement,
  videoUploaded,
  videoProgress,
  videoPublished,
  videoRejected,
  videoAppealed,
  videoErased,
  moderationDecided,
  soundMatched,
  copyFound,
  videoRemoved,
  follow,
  feedServed,
  poolDecision,
  edgePrewarm,
  cdnTier,
] as const satisfies readonly EventContract[];

/** Where records that can never be stored go, with reason, cause and origin in their headers. */
export const deadLetterTopic = 'dead-letters';
