import type { FeedItem, Prefetch } from './response.ts';

/** So many of the next items a player should prepare, and the edge should have. */
export const prefetchCount = 5;

/** What to prepare for the items of a page, the nearest first. */
export const prefetchOf = (items: readonly FeedItem[]): Prefetch[] =>
  items.slice(0, prefetchCount).map(({ videoId, hlsUrl, firstSegmentUrl, posterUrl }) => ({ videoId, hlsUrl, firstSegmentUrl, posterUrl }));
