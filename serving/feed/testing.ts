import { selection } from '#schemas/config/selection.ts';
import type { VideoCard } from '#schemas/features/views/videos.ts';
import { VideoTable } from '../catalogue/video-table.ts';
import { FeedCandidates } from './candidates.ts';
import type { FeedQuery } from './query.ts';
import { newcomer } from './viewer.ts';

const card: VideoCard = {
  creatorId: 'creator',
  publishedAt: 1,
  durationMs: 1_000,
  topics: ['music'],
  region: 'DE',
  caption: '',
  hlsUrl: '',
  posterUrl: '',
  firstSegmentUrl: '',
  previewUrl: '',
  chaptersUrl: '',
  placeholder: '',
  live: false,
  minAge: 0,
  blockedRegions: [],
  moderation: 'approved',
};

/** For tests and benchmarks of single stages: a newcomer's request, in a table of so many videos, each a second longer than the one before. */
export function feedQuery(videos: number, parts: Partial<FeedQuery> = {}): FeedQuery {
  const table = new VideoTable({ told: false, lasting: false });
  for (let i = 0; i < videos; i++) table.learn(table.number(`v${i}`), 1, { ...card, creatorId: `creator-${i % 97}`, durationMs: 1_000 * (i + 1) });
  return {
    requestId: 'request',
    userId: 'viewer',
    sessionId: 'session',
    region: 'DE',
    age: null,
    arm: '',
    selection,
    count: 10,
    nowMs: 1e12,
    seed: 1,
    depth: 1,
    position: 0,
    served: new Set(),
    viewer: newcomer,
    videos: table,
    candidates: new FeedCandidates(),
    retrieval: null,
    content: null,
    ranker: null,
    taste: null,
    explain: false,
    turn: async () => {},
    allowSeen: false,
    ...parts,
  };
}
