import type { Probe } from '#infra/media/media.ts';
import { moderationRules } from '#schemas/config/moderation.ts';
import { rightsRules } from '#schemas/config/rights.ts';
import type { CopyFound } from '#schemas/events/copy-found.ts';
import type { ModerationDecided } from '#schemas/events/moderation-decided.ts';
import type { SoundMatched } from '#schemas/events/sound-matched.ts';
import type { VideoPublished } from '#schemas/events/video-published.ts';
import type { VideoRejected } from '#schemas/events/video-rejected.ts';
import type { VideoUploaded } from '#schemas/events/video-uploaded.ts';
import type { AnyTask, ResultOf } from '../engine/dag.ts';
import type { SoundMatch } from './registered-works.ts';
import { findCopy } from './tasks/find-copy.ts';
import { matchSound } from './tasks/match-sound.ts';
import { type ModerateResult, moderate } from './tasks/moderate.ts';
import { packaged } from './tasks/package.ts';
import { probe } from './tasks/probe.ts';
import { scenes } from './tasks/scenes.ts';
import { thumbnails } from './tasks/thumbnails.ts';
import { vectors } from './tasks/vectors.ts';

/** How an upload ends; the decision about it goes with it, so that all that is said of it stays the same. */
export type Outcome = {
  readonly sha256: string;
  readonly moderation: ModerationDecided | null;
  readonly sound: SoundMatched | null;
  readonly copy: CopyFound | null;
} & ({ readonly kind: 'published'; readonly event: VideoPublished } | { readonly kind: 'rejected'; readonly event: VideoRejected });
/** Ready, and waiting for a reviewer: not an end yet. */
export interface Held {
  readonly kind: 'held';
  readonly sha256: string;
  readonly moderation: ModerationDecided;
  readonly sound: SoundMatched | null;
  readonly copy: CopyFound | null;
  /** What it says when it is approved. */
  readonly event: VideoPublished;
}

const of = <T extends AnyTask>(results: ReadonlyMap<string, unknown>, task: T): ResultOf<T> => results.get(task.name) as ResultOf<T>;

/** What all results together say. Ids follow from the video, so that an event counts once however often it is sent. */
export function endFrom(video: VideoUploaded, sha256: string, results: ReadonlyMap<string, unknown>, nowMs: number): Outcome | Held {
  const stream = of(results, packaged);
  const pictures = of(results, thumbnails);
  const { picture, durationMs }: Probe = of(results, probe);
  const judged = of(results, moderate);
  const rights = of(results, matchSound);
  const sound = rights.match ? matched(video, rights.match, nowMs) : null;
  if (rights.match && rights.blocked) return { ...rejectedFor(video, sha256, 'rights', wordsOf(rights.match), nowMs), sound };
  const event: VideoPublished = {
    eventId: `${video.videoId}/published`,
    videoId: video.videoId,
    creatorId: video.creatorId,
    occurredAt: nowMs,
    durationMs,
    caption: video.caption,
    topics: video.topics,
    region: video.region,
    hlsUrl: rights.muted ? stream.mutedUrl : stream.hlsUrl,
    firstSegmentUrl: stream.firstSegmentUrl,
    posterUrl: pictures.posters[0] ?? '',
    previewUrl: pictures.previewUrl,
    placeholder: of(results, scenes).placeholder,
    width: picture.width,
    height: picture.height,
    live: 0,
    minAge: judged.minAge,
    blockedRegions: rights.blockedRegions,
    chaptersUrl: stream.chaptersUrl,
    ...of(results, vectors),
    soundId: rights.match ? `work/${rights.match.workId}` : video.soundId || (stream.hasSound ? `sound/${video.videoId}` : ''),
    moderation: 'approved',
  };
  const moderation = decided(video, judged.verdict, judged, nowMs);
  const { copy: found } = of(results, findCopy);
  const { videoId, creatorId } = video;
  const copy = found ? { ...found, eventId: `${videoId}/copy`, videoId, creatorId, occurredAt: nowMs } : null;
  return { kind: judged.verdict === 'hold' ? 'held' : 'published', sha256, moderation, sound, copy, event };
}

const wordsOf = ({ title, owner, fromMs }: SoundMatch): string => `${title} of ${owner}, from ${(fromMs / 1_000).toFixed(1)} s on`;

const matched = (video: VideoUploaded, match: SoundMatch, occurredAt: number): SoundMatched => {
  const { title: _title, ...evidence } = match;
  const { videoId, creatorId } = video;
  return { ...evidence, eventId: `${videoId}/sound`, videoId, creatorId, occurredAt, rules: rightsRules.version };
};

const decided = (
  video: VideoUploaded,
  verdict: ModerationDecided['verdict'],
  { by, reason, model, scores }: Pick<ModerateResult, 'by' | 'reason' | 'model' | 'scores'>,
  occurredAt: number,
): ModerationDecided => ({
  eventId: `${video.videoId}/moderated`,
  videoId: video.videoId,
  creatorId: video.creatorId,
  occurredAt,
  verdict,
  by,
  reviewer: '',
  reason,
  model,
  rules: moderationRules.version,
  scores: JSON.stringify(scores),
});

/** Reasons that are decisions about what is shown, not about what can be read. */
const policies: Partial<Record<VideoRejected['reason'], 'rules' | 'model'>> = { policyText: 'rules', policyPicture: 'model' };

export function rejectedFor(video: VideoUploaded, sha256: string, reason: VideoRejected['reason'], detail: string, nowMs: number): Outcome {
  const by = policies[reason];
  return {
    kind: 'rejected',
    sha256,
    sound: null,
    copy: null,
    moderation: by ? decided(video, 'reject', { by, reason: detail, model: '', scores: {} }, nowMs) : null,
    event: {
      eventId: `${video.videoId}/rejected`,
      videoId: video.videoId,
      creatorId: video.creatorId,
      occurredAt: nowMs,
      reason,
      detail: detail.slice(0, 500),
    },
  };
}
