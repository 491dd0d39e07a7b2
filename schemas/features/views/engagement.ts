import { signalValue, signalValueSql } from '../../config/signal-weights.ts';
import type { Engagement } from '../../events/engagement.ts';
import { completedSql, earlySkipSql, isCompleted, isEarlySkip, isReplayed, replayedSql, watchFraction, watchFractionSql } from '../../events/watch.ts';
import { type Signal, signal } from '../signal.ts';
import { decayed, halfLife, type LogView, type PackedView, type RankedView, type RecentView } from '../view.ts';
import { trialViews } from './exposure.ts';

type EngagementSignal = Signal<Engagement>;
const is = (kind: Engagement['kind']): EngagementSignal => signal((e) => (e.kind === kind ? 1 : 0), `(kind = '${kind}')`);
const flag = (test: (e: Engagement) => boolean, sql: string): EngagementSignal => signal((e) => (test(e) ? 1 : 0), sql);
const watches = is('watch');
const completes = flag(isCompleted, completedSql);
const earlySkips = flag(isEarlySkip, earlySkipSql);
const fraction = signal(watchFraction, watchFractionSql);
/** A withdrawn like takes its count back. */
const likes: EngagementSignal = signal((e) => (e.kind === 'like' ? 1 : e.kind === 'unlike' ? -1 : 0), "if(kind = 'like', 1, if(kind = 'unlike', -1, 0))");

function packed<C extends string>(view: PackedView<Engagement, C>): PackedView<Engagement, C> {
  return view;
}

export const videoView = packed({
  storage: 'packed',
  name: 'video',
  doc: 'How a video does, now and over its life.',
  entity: 'videoId',
  columns: {
    ...decayed({ watches, completes, watchFraction: fraction, earlySkips, likes }, { m30: halfLife.m30, d1: halfLife.d1, all: halfLife.all }),
    ...decayed(
      {
        replays: flag(isReplayed, replayedSql),
        shares: is('share'),
        comments: is('comment'),
        follows: is('follow'),
        reports: is('report'),
        notInterested: is('notInterested'),
      },
      { d14: halfLife.d14 },
    ),
  },
});

export const userView = packed({
  storage: 'packed',
  name: 'user',
  doc: 'How a viewer watches.',
  entity: 'userId',
  columns: {
    ...decayed({ watches, completes, watchFraction: fraction, earlySkips, likes }, { m30: halfLife.m30, d14: halfLife.d14 }),
    lastSeenMs: { aggregate: 'lastWrite', value: signal((e) => e.occurredAt, 'toUnixTimestamp64Milli(occurred_at)') },
  },
});

export const creatorView = packed({
  storage: 'packed',
  name: 'creator',
  doc: 'How the videos of a creator do together.',
  entity: 'creatorId',
  columns: decayed({ watches, completes, watchFraction: fraction, likes, follows: is('follow'), reports: is('report') }, { d14: halfLife.d14 }),
});

const positive: EngagementSignal = signal((e) => Math.max(0, signalValue(e)), `greatest(0, ${signalValueSql})`);
/** Only a clear answer says something of a creator: a completed view or an explicit signal. */
const clear: EngagementSignal = signal(
  (e) => (isCompleted(e) || e.kind !== 'watch' ? positive(e) : 0),
  `if(${completedSql} OR kind != 'watch', ${positive.sql}, 0)`,
);
const negative: EngagementSignal = signal((e) => Math.max(0, -signalValue(e)), `greatest(0, -(${signalValueSql}))`);

/** What a viewer answers well, and what not: read together. */
const taste = { log: 'user-taste' };

type Ranked = RankedView<Engagement>;
type Recent = RecentView<Engagement>;

export const userTopics: Ranked = {
  storage: 'ranked',
  name: 'user-topics',
  doc: 'Topics a viewer answers well.',
  entity: 'userId',
  key: 'topic',
  halfLifeMs: halfLife.d14,
  capacity: 200,
  kept: taste,
  value: positive,
};
export const userTopicsAvoided: Ranked = {
  storage: 'ranked',
  name: 'user-topics-avoided',
  doc: 'Topics a viewer leaves.',
  entity: 'userId',
  key: 'topic',
  halfLifeMs: halfLife.d1,
  capacity: 200,
  kept: taste,
  value: negative,
};
export const userCreators: Ranked = {
  storage: 'ranked',
  name: 'user-creators',
  doc: 'Creators a viewer answers well.',
  entity: 'userId',
  key: 'creatorId',
  halfLifeMs: halfLife.d14,
  capacity: 200,
  kept: { ...taste, rare: true },
  value: clear,
};
export const userVideos: Ranked = {
  storage: 'ranked',
  name: 'user-videos',
  doc: 'Videos a viewer answered well: what his vector is folded from.',
  entity: 'userId',
  key: 'videoId',
  halfLifeMs: halfLife.d14,
  capacity: 200,
  kept: { ...taste, rare: true },
  value: positive,
};
export const regionTrending: Ranked = {
  storage: 'ranked',
  name: 'region-trending',
  doc: 'Videos by what viewers of a region do with them now.',
  entity: 'region',
  key: 'videoId',
  halfLifeMs: halfLife.h6,
  capacity: 5_000,
  value: positive,
};
export const worldTrending: Ranked = {
  ...regionTrending,
  name: 'world-trending',
  doc: 'Videos by what all viewers do with them now.',
  entity: { all: 'world' },
};
export const topicTrending: Ranked = {
  storage: 'ranked',
  name: 'topic-trending',
  doc: 'Videos of a topic by what viewers do with them now.',
  entity: 'topic',
  key: 'videoId',
  halfLifeMs: halfLife.d1,
  capacity: 2_000,
  value: positive,
};

const recent = (name: string, doc: string, capacity: number, when: (e: Engagement) => boolean): Recent => ({
  storage: 'recent',
  name,
  doc,
  entity: 'userId',
  key: 'videoId',
  capacity,
  when,
});
/** Who answered a video well, the latest: whether a crowd is behind it. */
export const videoFans: Recent = {
  storage: 'recent',
  name: 'video-fans',
  doc: 'Accounts that answered a video well, the latest.',
  entity: 'videoId',
  key: 'userId',
  capacity: 64,
  kept: { log: 'video-fans' },
  when: (e) => clear(e) > 0,
};
export const userSeen: LogView & Recent = {
  ...recent('user-seen', 'Videos a viewer has seen.', 20_000, (e) => e.kind === 'watch'),
  kept: { log: 'user-seen', rare: true },
};
export const userLiked = recent('user-liked', 'Videos a viewer liked.', 5_000, (e) => e.kind === 'like');
export const userUnliked = recent(
  'user-unliked',
  'Videos a viewer took a like back from; the later of like and unlike holds.',
  5_000,
  (e) => e.kind === 'unlike',
);
export const userReported = recent(
  'user-reported',
  'Videos a viewer reported or does not want.',
  5_000,
  (e) => e.kind === 'report' || e.kind === 'notInterested',
);

export const engagementViews = [
  videoView,
  userView,
  creatorView,
  userTopics,
  userTopicsAvoided,
  userCreators,
  userVideos,
  regionTrending,
  worldTrending,
  topicTrending,
  videoFans,
  userSeen,
  userLiked,
  userUnliked,
  userReported,
  ...trialViews,
] as const;
