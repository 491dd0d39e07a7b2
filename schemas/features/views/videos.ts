import type { VideoPublished } from '../../events/video-published.ts';
import type { VideoRemoved } from '../../events/video-removed.ts';
import type { ContentVectors } from '../../media/content-vector.ts';
import type { CardView, RecentView } from '../view.ts';
import { videoStatePublished, videoStateRemoved } from './uploads.ts';

/** What serving must know of a video to filter, explain and play it. */
export interface VideoCard {
  readonly creatorId: string;
  readonly publishedAt: number;
  readonly durationMs: number;
  readonly topics: readonly string[];
  readonly region: string;
  readonly caption: string;
  readonly hlsUrl: string;
  readonly posterUrl: string;
  readonly firstSegmentUrl: string;
  readonly previewUrl: string;
  /** WebVTT; empty for one chapter. */
  readonly chaptersUrl: string;
  /** BlurHash of the poster. */
  readonly placeholder: string;
  /** A broadcast that goes on. */
  readonly live: boolean;
  /** Years; 0 for everybody. */
  readonly minAge: number;
  readonly blockedRegions: readonly string[];
  readonly moderation: VideoPublished['moderation'];
}

export const cardOfEvent = (e: VideoPublished): VideoCard => ({
  creatorId: e.creatorId,
  publishedAt: e.occurredAt,
  durationMs: e.durationMs,
  topics: e.topics,
  region: e.region,
  caption: e.caption,
  hlsUrl: e.hlsUrl,
  posterUrl: e.posterUrl,
  firstSegmentUrl: e.firstSegmentUrl,
  previewUrl: e.previewUrl,
  chaptersUrl: e.chaptersUrl,
  placeholder: e.placeholder,
  live: e.live === 1,
  minAge: e.minAge,
  blockedRegions: e.blockedRegions,
  moderation: e.moderation,
});

export const videoCard: CardView<VideoPublished> = {
  storage: 'card',
  name: 'video-card',
  doc: 'The published video; empty once removed.',
  entity: 'videoId',
  body: (e) => JSON.stringify(cardOfEvent(e)),
};
/** The same register as `videoCard`, written by the removal. */
export const videoCardRemoved: CardView<VideoRemoved> = { ...videoCard, entity: 'videoId', body: () => '' };

/** What a video looks and sounds like, for those that no index knows yet. */
export interface ContentCard extends ContentVectors {
  readonly vectorModel: string;
}
export const contentOfEvent = ({ visualVector, soundVector, vectorModel }: VideoPublished): ContentCard | null =>
  vectorModel === '' ? null : { visualVector, soundVector, vectorModel };

export const videoContent: CardView<VideoPublished> = {
  storage: 'card',
  name: 'video-content',
  doc: 'Vectors of what the video looks and sounds like; empty where nothing described it, and once removed.',
  entity: 'videoId',
  body(e) {
    const content = contentOfEvent(e);
    return content ? JSON.stringify(content) : '';
  },
};
export const videoContentRemoved: CardView<VideoRemoved> = { ...videoContent, entity: 'videoId', body: () => '' };

type Recent = RecentView<VideoPublished>;
export const freshVideos: Recent = {
  storage: 'recent',
  name: 'fresh-videos',
  doc: 'The newest videos.',
  entity: { all: 'world' },
  key: 'videoId',
  capacity: 5_000,
  when: (e) => e.live === 0,
};
export const liveNow: Recent = {
  storage: 'recent',
  name: 'live-now',
  doc: 'The newest broadcasts. The card says which of them go on.',
  entity: { all: 'world' },
  key: 'videoId',
  capacity: 2_000,
  when: (e) => e.live === 1,
};
export const creatorVideos: Recent = {
  storage: 'recent',
  name: 'creator-videos',
  doc: 'The newest videos of a creator.',
  entity: 'creatorId',
  key: 'videoId',
  capacity: 200,
  when: () => true,
};
export const topicVideos: Recent = {
  storage: 'recent',
  name: 'topic-videos',
  doc: 'The newest videos of a topic.',
  entity: 'topics',
  key: 'videoId',
  capacity: 1_000,
  when: () => true,
};

export const publishedViews = [videoCard, videoContent, freshVideos, liveNow, creatorVideos, topicVideos, videoStatePublished] as const;
export const removedViews = [videoCardRemoved, videoContentRemoved, videoStateRemoved] as const;
