import { readFile } from 'node:fs/promises';
import { type Outcome, outcomes } from '#schemas/artifacts/ranker.ts';
import type { Engagement } from '#schemas/events/engagement.ts';
import { isCompleted, isEarlySkip, watchFraction } from '#schemas/events/watch.ts';
import { contribution, type EntityState, entitiesOf, finish } from '#schemas/features/as-of.ts';
import { fillDerived, fillMoment, fillPair, idleMinutes, rankingFeature } from '#schemas/features/ranking.ts';
import type { AnyView } from '#schemas/features/view.ts';
import { creatorView, userCreators, userTopics, userTopicsAvoided, userView, videoView } from '#schemas/features/views/engagement.ts';
import { kuairand } from '../import/kuairand.ts';
import { featureCount, outcomeCount, type RankingData } from '../ranker/dataset.ts';

/** One line of a log: a view with what was given during it. */
interface View {
  readonly timeMs: number;
  readonly events: readonly Engagement[];
}
export interface ReplayedLog {
  readonly data: RankingData;
  readonly views: readonly View[];
}

const views: readonly AnyView[] = [videoView, userView, creatorView, userTopics, userTopicsAvoided, userCreators];
const hates = (e: Engagement): boolean => e.kind === 'notInterested' || e.kind === 'report';

/** Views of a KuaiRand log in time order, copies of a line once. */
export async function readViews(file: string): Promise<View[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(1);
  const parsed = [...new Set(lines)].flatMap((line, i): View[] => {
    const found = line === '' ? { bad: '' } : kuairand.parse(line, i + 2, 0);
    return 'events' in found ? [{ timeMs: kuairand.timeOf(line) as number, events: found.events }] : [];
  });
  return parsed.sort((a, b) => a.timeMs - b.timeMs);
}

/** States of all entities of some views, fed with one event after another. */
class History {
  readonly #states = new Map<AnyView, Map<string, EntityState>>(views.map((view) => [view, new Map()]));

  add(event: Engagement, timeMs: number): void {
    for (const [view, states] of this.#states)
      for (const entity of entitiesOf(view, event as unknown as Record<string, unknown>)) {
        const state = contribution(view, event, timeMs, states.get(entity));
        if (state) states.set(entity, state);
      }
  }
  read(view: AnyView, entity: string, nowMs: number): unknown {
    const state = this.#states.get(view)?.get(entity);
    return state && finish(view, state, nowMs);
  }
}

/**
 * The rows that serving would have seen, by replaying a log: each view's features as of just before it,
 * from the same definitions, and then what came of it. No row knows its own outcome or a later one.
 */
export function replay(log: readonly View[]): ReplayedLog {
  const history = new History();
  const x = new Float32Array(log.length * featureCount);
  const y = new Float32Array(log.length * outcomeCount);
  const known = new Float32Array(log.length * outcomeCount).fill(1);
  const row = new Float32Array(featureCount);
  const published = new Map<string, number>();
  for (const [r, { timeMs, events }] of log.entries()) {
    const watch = events[0] as Engagement;
    if (!published.has(watch.videoId)) published.set(watch.videoId, timeMs);
    fillRow(row, history, watch, timeMs, published.get(watch.videoId) as number);
    x.set(row, r * featureCount);
    const label: Record<Outcome, boolean | number> = {
      complete: isCompleted(watch),
      watchFraction: watchFraction(watch),
      like: events.some((e) => e.kind === 'like'),
      share: events.some((e) => e.kind === 'share'),
      comment: events.some((e) => e.kind === 'comment'),
      follow: events.some((e) => e.kind === 'follow'),
      earlySkip: isEarlySkip(watch),
      report: events.some(hates),
    };
    y.set(
      outcomes.map((o) => Number(label[o])),
      r * outcomeCount,
    );
    if (watch.durationMs <= 0) for (const o of ['complete', 'watchFraction'] as const) known[r * outcomeCount + outcomes.indexOf(o)] = 0;
    for (const event of events) history.add(event, timeMs);
  }
  const group = log.map(({ events }) => (events[0] as Engagement).userId);
  return { data: { rows: log.length, x, y, known, group }, views: log };
}

function fillRow(row: Float32Array, history: History, watch: Engagement, nowMs: number, publishedAt: number): void {
  row.fill(0);
  const map = (view: AnyView): ReadonlyMap<string, number> => (history.read(view, watch.userId, nowMs) as Map<string, number> | undefined) ?? new Map();
  const viewer = { topics: map(userTopics), topicsAvoided: map(userTopicsAvoided), creators: map(userCreators), follows: new Set<string>() };
  const video = { creatorId: watch.creatorId, topics: [watch.topic], publishedAt, durationMs: watch.durationMs };
  fillMoment(row, null, nowMs, 0);
  fillPair(row, viewer, video, 0, 0, nowMs);
  for (const [view, entity] of [
    [videoView, watch.videoId],
    [userView, watch.userId],
    [creatorView, watch.creatorId],
  ] as const)
    for (const [name, value] of Object.entries((history.read(view, entity, nowMs) as Record<string, number> | undefined) ?? {}))
      if (name === 'lastSeenMs') row[rankingFeature('idleMinutes')] = idleMinutes(value, nowMs);
      else row[rankingFeature(`${view.name}.${name}`)] = value;
  fillDerived(row);
}
