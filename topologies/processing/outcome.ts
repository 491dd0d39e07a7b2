import type { Probe } from '#infra/media/media.ts';
import type { VideoPublished } from '#schemas/events/video-published.ts';
import type { VideoRejected } from '#schemas/events/video-rejected.ts';
import type { VideoUploaded } from '#schemas/events/video-uploaded.ts';
import type { AnyTask, ResultOf } from '../engine/dag.ts';
import { packaged } from './tasks/package.ts';
import { probe } from './tasks/probe.ts';
import { scenes } from './tasks/scenes.ts';
import { thumbnails } from './tasks/thumbnails.ts';

/** How an upload ends. */
export type Outcome = { readonly kind: 'published'; readonly event: VideoPublished } | { readonly kind: 'rejected'; readonly event: VideoRejected };

const of = <T extends AnyTask>(results: ReadonlyMap<string, unknown>, task: T): ResultOf<T> => results.get(task.name) as ResultOf<T>;

/** What all results together say. The id follows from the video, so that the event counts once however often it is sent. */
export function publishedFrom(video: VideoUploaded, results: ReadonlyMap<string, unknown>, nowMs: number): Outcome {
  const stream = of(results, packaged);
  const pictures = of(results, thumbnails);
  const { picture, durationMs }: Probe = of(results, probe);
  return {
    kind: 'published',
    event: {
      eventId: `${video.videoId}/published`,
      videoId: video.videoId,
      creatorId: video.creatorId,
      occurredAt: nowMs,
      durationMs,
      caption: video.caption,
      topics: video.topics,
      region: video.region,
      hlsUrl: stream.hlsUrl,
      firstSegmentUrl: stream.firstSegmentUrl,
      posterUrl: pictures.posters[0] ?? '',
      previewUrl: pictures.previewUrl,
      placeholder: of(results, scenes).placeholder,
      width: picture.width,
      height: picture.height,
      minAge: video.minAge,
      blockedRegions: [],
      moderation: 'approved',
    },
  };
}

export const rejectedFor = (video: VideoUploaded, reason: VideoRejected['reason'], detail: string, nowMs: number): Outcome => ({
  kind: 'rejected',
  event: { eventId: `${video.videoId}/rejected`, videoId: video.videoId, creatorId: video.creatorId, occurredAt: nowMs, reason, detail: detail.slice(0, 500) },
});
