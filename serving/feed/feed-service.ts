import { ForyouError } from '#infra/errors.ts';
import type { SessionStore } from '#infra/sessions/sessions.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { assign } from '#schemas/config/experiments.ts';
import { rankingFeatures } from '#schemas/features/ranking.ts';
import { type PipelineResult, runEffects, runPipeline, ways } from '../engine/pipeline.ts';
import { Turns } from '../engine/turns.ts';
import { type Effect, whatMattered } from '../ranking/attribution.ts';
import { tasteOf } from '../retrieval/taste.ts';
import { CandidatePool } from './candidates.ts';
import { shown } from './chosen.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Fallback } from './fallback.ts';
import { forYou } from './for-you.ts';
import { prefetchOf } from './prefetch.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from './query.ts';
import { type FeedItem, type FeedPage, shownOf } from './response.ts';
import { readViewer } from './viewer.ts';

export interface FeedRequest {
  readonly userId: string;
  readonly sessionId: string;
  readonly region: string;
  readonly age: number | null;
  readonly count: number;
  readonly cursor: string | undefined;
  readonly explain: boolean;
  /** Only to look: the session stays where it is, and nothing is logged as served. */
  readonly preview: boolean;
}

type Result = PipelineResult<FeedCandidate>;

/** After a failure of the store it is left alone for so long. */
const storeAwayMs = 300;

/** Sources look this much deeper when too little was left, and last also at what was seen. */
const attempts = [
  { depth: 1, allowSeen: false },
  { depth: 8, allowSeen: false },
  { depth: 8, allowSeen: true },
] as const;

/** Answers feed requests: sessions and cursors around the pipeline, and the fallback under it. */
export class FeedService {
  readonly #services: FeedServices;
  readonly #sessions: SessionStore;
  readonly #fallback: Fallback;
  readonly #telemetry: Telemetry;
  readonly #pipeline;
  readonly #candidates = new CandidatePool();
  readonly #turns = new Turns();
  #storeAwayUntil = 0;

  constructor(services: FeedServices, sessions: SessionStore, fallback: Fallback) {
    this.#services = services;
    this.#sessions = sessions;
    this.#fallback = fallback;
    this.#telemetry = services.telemetry;
    this.#pipeline = forYou(services);
  }

  /** `admitted` is waited for beside what is read first: where it fails, so does the page, before any work is done. */
  async page(request: FeedRequest, admitted?: Promise<void>): Promise<FeedPage> {
    const began = performance.now();
    // A cursor that is not ours is the caller's mistake, whatever state the stores are in.
    const position = request.cursor === undefined ? undefined : decodeCursor(request.cursor, request.sessionId);
    try {
      if (began < this.#storeAwayUntil) {
        await admitted;
        return this.#degraded(request, position);
      }
      return await this.#page(request, position, admitted, () => this.#turns.take(began));
    } catch (error) {
      if (!(error instanceof ForyouError) || error.code !== 'unavailable') throw error;
      // Who comes right after does not wait for the same time-out.
      this.#storeAwayUntil = performance.now() + storeAwayMs;
      return this.#degraded(request, position);
    } finally {
      this.#telemetry.observe('foryou_feed_ms', {}, performance.now() - began);
    }
  }

  #degraded(request: FeedRequest, position: number | undefined): FeedPage {
    this.#telemetry.count('foryou_degraded_responses_total', {});
    return this.#fallback.page(request, position ?? 0);
  }

  async #page(request: FeedRequest, cursorPosition: number | undefined, admitted: Promise<void> | undefined, turn: () => Promise<void>): Promise<FeedPage> {
    const key = `${request.userId}/${request.sessionId}`;
    const nowMs = this.#services.clock.now();
    const [session, viewer] = await Promise.all([this.#sessions.load(key), readViewer(this.#services.online, request.userId, nowMs), admitted]);
    await turn();
    const position = cursorPosition ?? session.next;
    if (position > session.next)
      throw new ForyouError('input-invalid', 'the cursor lies beyond the end of the session', { fix: 'use the cursor of the last page as it came, or none' });
    if (position < session.next && !request.preview) {
      const known = await this.#sessions.page(key, position);
      if (known !== null) return JSON.parse(known) as FeedPage;
    }
    const { models } = this.#services;
    const retrieval = models.retrieval();
    const query: FeedQuery = {
      requestId: crypto.randomUUID(),
      ...request,
      ...assign(request.userId),
      nowMs,
      seed: seedOf(key),
      depth: 1,
      position,
      served: session.served,
      viewer,
      videos: this.#services.catalogue.table(),
      candidates: this.#candidates.take(),
      retrieval,
      content: models.content(),
      ranker: models.ranker(),
      taste: retrieval && tasteOf(retrieval.value, viewer),
      allowSeen: false,
      turn,
    };
    const { chosen, result } = await this.#fill(query);
    const mattered = query.explain ? await whatMattered(query, chosen, result.chosen) : [];
    const page = this.#response(request, query, chosen, result, mattered);
    // Only after success: where one hydrator failed another may still be writing into them.
    this.#candidates.giveBack(query.candidates);
    // An empty page is not kept: what comes next should be found there.
    if (chosen.length === 0 || request.preview) return page;
    const { explain: _private, ...kept } = page;
    const made = JSON.stringify({ ...kept, items: page.items.map(({ explain: _also, ...item }) => item) });
    const before = await this.#sessions.append(
      key,
      position,
      made,
      chosen.map((c) => c.id),
    );
    // Another request has made this page of the session meanwhile: that one holds.
    if (before !== null) return JSON.parse(before) as FeedPage;
    runEffects(this.#pipeline, query, chosen, this.#telemetry);
    return page;
  }

  /** An empty first page is a bug: when too little is left, look deeper, and at last at what was seen before. */
  async #fill(query: FeedQuery) {
    let last: Result | undefined;
    for (const attempt of attempts) {
      last = await runPipeline(this.#pipeline, { ...query, ...attempt }, this.#telemetry);
      if (last.failedSources.length === this.#pipeline.sources.length) throw new ForyouError('unavailable', 'every source failed');
      if (last.selected.length >= query.count) break;
    }
    const result = last as Result;
    return { chosen: result.selected.map(shown), result };
  }

  /** How far each candidate came, and why no further. */
  #journeys({ candidates, videos }: FeedQuery, { chosen }: Result) {
    return ways(this.#pipeline, candidates, chosen).map(({ sources, score, fate }, at) => ({
      videoId: videos.ids[candidates.items[at] as number] as string,
      sources: [...sources],
      score,
      stage: fate.stage,
      by: 'by' in fate ? fate.by : '',
    }));
  }

  #response(request: FeedRequest, query: FeedQuery, chosen: readonly FeedCandidate[], result: Result, mattered: readonly Effect[][]): FeedPage {
    const items = chosen.map(
      (c, i): FeedItem => ({
        videoId: c.id,
        position: query.position + i,
        ...shownOf(c.card),
        reason: c.reason,
        ...(request.explain ? { explain: explained(c, mattered[i] ?? []) } : {}),
      }),
    );
    return {
      requestId: query.requestId,
      sessionId: request.sessionId,
      degraded: false,
      scorer: result.scorer,
      items,
      prefetch: prefetchOf(items),
      cursor: encodeCursor(request.sessionId, query.position + items.length),
      ...(request.explain
        ? {
            explain: {
              counts: { ...result.counts },
              failedSources: [...result.failedSources],
              arm: query.arm,
              viewer: { step: query.viewer.step, completions: query.viewer.completions },
              candidates: this.#journeys(query, result),
            },
          }
        : {}),
    };
  }
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

const explained = (c: FeedCandidate, mattered: readonly Effect[]): NonNullable<FeedItem['explain']> => ({
  score: c.score,
  sources: [...c.sources],
  outcomes: { ...c.outcomes },
  mattered: mattered.map((e) => ({ ...e, value: rounded(e.value), effect: rounded(e.effect) })),
  moved: c.fate.stage === 'selected' ? c.fate.moved.map((m) => ({ ...m })) : [],
  features: Object.fromEntries(rankingFeatures.map((name, i) => [name, rounded(c.features[i] as number)])),
});

function seedOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
