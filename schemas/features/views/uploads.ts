import type { VideoProgress } from '../../events/video-progress.ts';
import type { VideoPublished } from '../../events/video-published.ts';
import type { VideoRejected } from '../../events/video-rejected.ts';
import type { VideoRemoved } from '../../events/video-removed.ts';
import type { VideoUploaded } from '../../events/video-uploaded.ts';
import { rejections } from '../../media/rejection.ts';
import type { CardView } from '../view.ts';

/** How far a video has come, as its creator may know it. */
export interface VideoState {
  readonly state: 'uploaded' | VideoProgress['state'] | 'published' | 'rejected' | 'removed';
  readonly creatorId: string;
  readonly task: string;
  readonly percent: number;
  /** Words for a person: what is waited for, or why it was rejected. */
  readonly detail: string;
  readonly reason: string;
  readonly hlsUrl: string;
}
const blank = { task: '', percent: 0, detail: '', reason: '', hlsUrl: '' };

const view = <E extends { videoId: string }>(body: (event: E) => VideoState): CardView<E> => ({
  storage: 'card',
  name: 'video-state',
  doc: 'How far a video has come from its upload on: the newest of what was said about it.',
  entity: 'videoId' as keyof E & string,
  body: (event) => JSON.stringify(body(event)),
});

/** One register, written by every event that speaks of a video's way. */
export const videoState = view<VideoUploaded>((e) => ({ ...blank, state: 'uploaded', creatorId: e.creatorId }));
export const videoStateProgress = view<VideoProgress>((e) => ({
  ...blank,
  state: e.state,
  creatorId: e.creatorId,
  task: e.task,
  percent: e.percent,
  detail: e.detail,
  hlsUrl: e.hlsUrl,
}));
export const videoStatePublished = view<VideoPublished>((e) => ({ ...blank, state: 'published', creatorId: e.creatorId, percent: 100, hlsUrl: e.hlsUrl }));
export const videoStateRejected = view<VideoRejected>((e) => ({
  ...blank,
  state: 'rejected',
  creatorId: e.creatorId,
  percent: 100,
  reason: e.reason,
  detail: [rejections[e.reason], e.detail].filter(Boolean).join(' '),
}));
export const videoStateRemoved = view<VideoRemoved>((e) => ({ ...blank, state: 'removed', creatorId: '', percent: 100, reason: e.reason }));
