import { Pool } from 'undici';
import { ForyouError } from '#infra/errors.ts';
import { Random } from '../engine/random.ts';
import { regions, topics } from './catalogue.ts';
import { type Reaction, type Shown, Viewer } from './viewer.ts';

export interface AudienceOptions {
  readonly url: string;
  readonly tokenFor: (userId: string) => Promise<string>;
  readonly viewers: number;
  /** Told apart from another audience of the same world, whose videos please alike. */
  readonly name?: string;
  readonly seed: number;
  /** Watches per second over all viewers. */
  readonly rate: number;
  /** How often, per watch, somebody leaves for good and somebody new comes. */
  readonly newcomers?: number;
  /** The videos that a random feed would draw from. */
  readonly catalogue: readonly Shown[];
}

export interface AudienceStats {
  watches: number;
  completed: number;
  /** The same viewers and moments, on videos drawn at random: evaluated, never sent. */
  randomWatches: number;
  randomCompleted: number;
  feedRequests: number;
  emptyFeeds: number;
  failures: number;
  /** Why the last one failed. */
  lastFailure?: string;
  readonly feedMs: number[];
  /** Watches of viewers by how many each had had before: how soon the feed learns somebody new. */
  /** By viewer, so that differences can be told from chance. */
  readonly byViewer: Map<string, Record<FeedName, ViewerTotals>>;
  readonly bySwipe: readonly { readonly from: number; watches: number; completed: number }[];
}

/** What one viewer did, by the feed that chose the videos. */
export interface ViewerTotals {
  watches: number;
  completed: number;
  watchedMs: number;
}
export type FeedName = 'feed' | 'random' | 'popular';

/** The first swipes of a viewer, by fives, and what comes after ten. */
const swipeGroups = [0, 5, 10] as const;

const nothing = (): ViewerTotals => ({ watches: 0, completed: 0, watchedMs: 0 });

/** So many latencies are kept for percentiles. */
const keepLatencies = 2_000;

/** Viewers who consume the feed through HTTP and answer it as an app would. */
export class Audience {
  readonly stats: AudienceStats = {
    watches: 0,
    completed: 0,
    randomWatches: 0,
    randomCompleted: 0,
    feedRequests: 0,
    emptyFeeds: 0,
    failures: 0,
    feedMs: [],
    byViewer: new Map(),
    bySwipe: swipeGroups.map((from) => ({ from, watches: 0, completed: 0 })),
  };
  readonly #options: AudienceOptions;
  readonly #random: Random;
  readonly #shadow: Random;
  readonly #pool: Pool;
  readonly #viewers: Session[];
  #timer: NodeJS.Timeout | undefined;
  readonly #done: Promise<void>[] = [];

  constructor(options: AudienceOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#shadow = new Random(options.seed + 1);
    this.#pool = new Pool(options.url, { connections: 16, pipelining: 1 });
    this.#viewers = Array.from({ length: options.viewers }, (_, i) => ({
      viewer: new Viewer(`sim-${options.seed}-${options.name ?? 'u'}${i}`, topics, regions, this.#random, options.seed),
      sitting: 0,
      swipes: 0,
      queue: [],
      requestId: '',
    }));
  }

  /** Starts watching; each tick a few viewers watch their next video. */
  start(): void {
    const tickMs = Math.max(5, Math.min(100, 1_000 / this.#options.rate));
    const perTick = (this.#options.rate * tickMs) / 1_000;
    let due = 0;
    this.#timer = setInterval(() => {
      due += perTick;
      // What the service cannot take in time is not piled up.
      for (; due >= 1; due--) if (this.#done.length < 500) this.#step();
    }, tickMs);
  }

  #step(): void {
    const session = this.#random.pick(this.#viewers);
    const work = this.#swipe(session).catch((error: unknown) => {
      this.stats.failures++;
      this.stats.lastFailure = String(error);
    });
    this.#done.push(work);
    void work.finally(() => this.#done.splice(this.#done.indexOf(work), 1));
  }

  /** One video: fetch the next page when none is left, watch, and say so. */
  async #swipe(session: Session): Promise<void> {
    if (session.queue.length === 0) await this.#fetch(session);
    const next = session.queue.shift();
    if (!next) return;
    const { viewer } = session;
    const reaction = viewer.watch(next, this.#random);
    this.stats.watches++;
    if (reaction.completed) this.stats.completed++;
    const group = this.stats.bySwipe.findLast((g) => session.swipes >= g.from);
    if (group) {
      group.watches++;
      if (reaction.completed) group.completed++;
    }
    session.swipes++;
    this.#compare(viewer, next, reaction);
    const send = (kind: string, extra: object) =>
      this.#post(viewer, next, {
        eventId: this.#eventId(viewer),
        kind,
        occurredAt: Date.now(),
        region: viewer.region,
        requestId: session.requestId,
        position: next.position,
        reason: next.reason,
        ...extra,
      });
    await send('watch', { watchedMs: reaction.watchedMs, durationMs: next.durationMs, loops: reaction.loops });
    for (const kind of reaction.signals) await send(kind, {});
    // People come and go: a new sitting now and then, and sometimes somebody whom nobody knows.
    if (this.#random.chance(0.02)) Object.assign(session, { sitting: session.sitting + 1, queue: [] });
    if (this.#random.chance(this.#options.newcomers ?? 0)) Object.assign(session, this.#newcomer());
  }

  #newcomers = 0;
  #newcomer(): Session {
    const { seed } = this.#options;
    return {
      viewer: new Viewer(`sim-${seed}-${this.#options.name ?? ''}n${this.#newcomers++}`, topics, regions, this.#random, seed),
      sitting: 0,
      swipes: 0,
      queue: [],
      requestId: '',
    };
  }

  #events = 0;
  #eventId(viewer: Viewer): string {
    return `${viewer.userId}-${Date.now().toString(36)}-${this.#events++}`;
  }

  readonly #popularity = new Map<string, number>();
  readonly #shadowSeen = new Map<string, Set<string>>();

  /** The same viewer at the same moment, on what other feeds would have shown: evaluated, never sent. */
  #compare(viewer: Viewer, shown: Shown, reaction: Reaction): void {
    const totals = this.stats.byViewer.get(viewer.userId) ?? { feed: nothing(), random: nothing(), popular: nothing() };
    this.stats.byViewer.set(viewer.userId, totals);
    const note = (feed: FeedName, { completed, watchedMs }: Reaction) => {
      totals[feed].watches++;
      totals[feed].watchedMs += watchedMs;
      if (completed) totals[feed].completed++;
    };
    note('feed', reaction);
    if (reaction.completed) this.#popularity.set(shown.videoId, (this.#popularity.get(shown.videoId) ?? 0) + 1);
    const { catalogue } = this.#options;
    if (catalogue.length === 0) return;
    const random = viewer.watch(this.#shadow.pick(catalogue), this.#shadow);
    this.stats.randomWatches++;
    if (random.completed) this.stats.randomCompleted++;
    note('random', random);
    const popular = this.#mostPopular(viewer.userId);
    if (popular) note('popular', viewer.watch(popular, this.#shadow));
  }

  /** What most have completed so far, of what this viewer was not shown by that feed before. */
  #mostPopular(userId: string): Shown | undefined {
    const seen = this.#shadowSeen.get(userId) ?? new Set();
    this.#shadowSeen.set(userId, seen);
    let best: Shown | undefined;
    for (const video of this.#options.catalogue)
      if (!seen.has(video.videoId) && (!best || (this.#popularity.get(video.videoId) ?? 0) > (this.#popularity.get(best.videoId) ?? 0))) best = video;
    if (best) seen.add(best.videoId);
    return best;
  }

  async #fetch(session: Session): Promise<void> {
    const { viewer } = session;
    const began = performance.now();
    const path = `/api/v1/feed/foryou?count=5&session_id=sitting-${session.sitting}&region=${viewer.region}`;
    const { statusCode, body } = await this.#pool.request({ path, method: 'GET', headers: { authorization: `Bearer ${await this.#token(viewer.userId)}` } });
    const page = (await body.json()) as { requestId: string; items: Queued[] };
    if (statusCode !== 200) throw new ForyouError('unavailable', `the feed answered ${statusCode}`);
    this.stats.feedRequests++;
    if (page.items.length === 0) this.stats.emptyFeeds++;
    this.stats.feedMs.push(performance.now() - began);
    if (this.stats.feedMs.length > keepLatencies) this.stats.feedMs.shift();
    session.queue = page.items;
    session.requestId = page.requestId;
  }

  async #post(viewer: Viewer, video: Shown, event: object): Promise<void> {
    const { statusCode, body } = await this.#pool.request({
      path: `/api/v1/video/${encodeURIComponent(video.videoId)}/engage`,
      method: 'POST',
      headers: { authorization: `Bearer ${await this.#token(viewer.userId)}`, 'content-type': 'application/json' },
      body: JSON.stringify(event),
    });
    await body.dump();
    if (statusCode !== 202) throw new ForyouError('unavailable', `engage answered ${statusCode}`);
  }

  readonly #tokens = new Map<string, Promise<string>>();
  #token(userId: string): Promise<string> {
    const known = this.#tokens.get(userId) ?? this.#options.tokenFor(userId);
    this.#tokens.set(userId, known);
    return known;
  }

  async stop(): Promise<void> {
    // No step may begin once the connections close: it would count as a failure of the service.
    clearInterval(this.#timer);
    await Promise.allSettled([...this.#done]);
    await this.#pool.close();
  }
}

type Queued = Shown & { readonly position: number; readonly reason: string };
interface Session {
  viewer: Viewer;
  sitting: number;
  swipes: number;
  queue: Queued[];
  requestId: string;
}
