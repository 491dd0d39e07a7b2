import { type Static, Type } from 'typebox';
import type { FeedItem } from './response.ts';

/** So many of the next items a player should prepare, and the edge should have. */
export const prefetchCount = 5;

export const Prefetch = Type.Object({
  videoId: Type.String(),
  hlsUrl: Type.String(),
  firstSegmentUrl: Type.String({ description: 'What a player fetches first; empty when only the playlist is known.' }),
  posterUrl: Type.String(),
});
export type Prefetch = Static<typeof Prefetch>;

/** What to prepare for the items of a page, the nearest first. */
export const prefetchOf = (items: readonly FeedItem[]): Prefetch[] =>
  items.slice(0, prefetchCount).map(({ videoId, hlsUrl, firstSegmentUrl, posterUrl }) => ({ videoId, hlsUrl, firstSegmentUrl, posterUrl }));
