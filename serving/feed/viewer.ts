import { membersOf } from '#infra/online/key-log.ts';
import type { OnlineStore } from '#infra/online/online.ts';
import { readLogWeight } from '#schemas/features/monoids.ts';
import { readPackedRow } from '#schemas/features/read.ts';
import type { RankedView } from '#schemas/features/view.ts';
import { userCreators, userReported, userSeen, userTopics, userTopicsAvoided, userVideos, userView } from '#schemas/features/views/engagement.ts';
import { userFollows, userUnfollows } from '#schemas/features/views/social.ts';
import type { Viewer } from './query.ts';

const newcomer: Viewer = {
  topics: new Map(),
  topicsAvoided: new Map(),
  creators: new Map(),
  videos: new Map(),
  follows: new Set(),
  reported: new Set(),
  seen: membersOf([]),
  packed: null,
  completions: 0,
  step: 'newcomer',
};

export { newcomer };

/** The videos that were answered best: what comes behind them hardly moves a vector. */
const tasteFrom = 60;

/** Everything that the feed knows of a viewer, read at once. */
export async function readViewer(online: OnlineStore, userId: string, nowMs: number): Promise<Viewer> {
  const read = (view: (typeof views)[number], limit: number) => ({ view, entity: userId, limit });
  const views = [userTopics, userTopicsAvoided, userCreators, userVideos, userFollows, userUnfollows, userReported] as const;
  const lists = online.top([
    read(userTopics, 50),
    read(userTopicsAvoided, 50),
    read(userCreators, 100),
    read(userVideos, tasteFrom),
    read(userFollows, 1_000),
    read(userUnfollows, 1_000),
    read(userReported, 5_000),
  ]);
  const [[topics, avoided, creators, videos, follows, unfollows, reported], seen, [packed]] = await Promise.all([
    lists,
    online.members(userSeen, userId),
    online.values(userView, [userId]),
  ]);
  if (!topics || !avoided || !creators || !videos || !follows || !unfollows || !reported) return newcomer;
  const completions = Math.round(readPackedRow(userView, packed ?? null, nowMs).completes_d14);
  return {
    topics: weights(userTopics, topics, nowMs),
    topicsAvoided: weights(userTopicsAvoided, avoided, nowMs),
    creators: weights(userCreators, creators, nowMs),
    videos: weights(userVideos, videos, nowMs),
    follows: laterThan(follows, unfollows),
    reported: new Set(reported.keys),
    seen,
    packed: packed ?? null,
    completions,
    step: stepOf(completions),
  };
}

/** A viewer is new until the third completion, and has a vector worth searching by from the sixth on. */
const stepOf = (completions: number): Viewer['step'] => (completions < 3 ? 'newcomer' : completions < 6 ? 'content' : 'vector');

type Top = { readonly keys: readonly string[]; readonly scores: readonly number[] };

function weights(view: RankedView<never> | { halfLifeMs: number }, top: Top, nowMs: number): Map<string, number> {
  return new Map(top.keys.map((key, i) => [key, readLogWeight(top.scores[i] as number, nowMs, view.halfLifeMs)]));
}

/** A last-write-wins set: members whose addition is later than their removal. */
function laterThan(added: Top, removed: Top): Set<string> {
  const removedAt = new Map(removed.keys.map((key, i) => [key, removed.scores[i] as number]));
  return new Set(added.keys.filter((key, i) => (added.scores[i] as number) > (removedAt.get(key) ?? Number.NEGATIVE_INFINITY)));
}
