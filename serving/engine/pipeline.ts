import type { Telemetry } from '#infra/telemetry/telemetry.ts';

/** A candidate remembers every source that offered it, and gathers what later stages say of it. */
export interface Candidate {
  id: string;
  readonly sources: string[];
  score: number;
  scorer: string;
  /** What became of it. */
  fate: Fate;
}

/** Where a candidate's way ended, and why: by which filter, or by which selector that left it out. */
export type Fate =
  | { readonly stage: 'found' }
  | { readonly stage: 'dropped'; readonly by: string }
  | { readonly stage: 'left-out'; readonly by: string }
  | { readonly stage: 'selected'; readonly rank: number; readonly moved: readonly Move[] };
/** Nothing has become of it yet. */
export const found: Fate = { stage: 'found' };
/** A selector that gave an item another place than it had before it. */
export interface Move {
  readonly by: string;
  readonly from: number;
  readonly to: number;
}

/** Offers candidates. It has a time budget of its own: a source that fails or is late costs variety, not the response. */
export interface Source<Q> {
  readonly name: string;
  readonly budgetMs: number;
  find(query: Q): Promise<readonly string[]>;
}
/** Reads what later stages need, for all candidates at once. */
export interface Hydrator<Q, C> {
  readonly name: string;
  hydrate(query: Q, candidates: readonly C[]): Promise<void>;
}
/** Says which candidates survive; its name says it too. */
export interface Filter<Q, C> {
  readonly name: string;
  keep(query: Q, candidate: C): boolean;
}
/** Chooses cheaply which candidates are worth the rest of the work; what it leaves out is not scored. */
export interface Narrower<Q, C> {
  readonly name: string;
  choose(query: Q, candidates: readonly C[]): Promise<readonly C[]>;
}
export interface Scorer<Q, C> {
  readonly name: string;
  /** Returns the name and version of what scored: a scorer may have to fall back to another. */
  score(query: Q, candidates: readonly C[]): Promise<string>;
}
/** Chooses and orders; it never invents a candidate and never repeats one. */
export interface Selector<Q, C> {
  readonly name: string;
  select(query: Q, ranked: readonly C[]): readonly C[];
}
/** Something that happens because of a response, after it. */
export interface Effect<Q, C> {
  readonly name: string;
  run(query: Q, served: readonly C[]): Promise<void>;
}

export interface Pipeline<Q, C extends Candidate> {
  readonly name: string;
  readonly sources: readonly Source<Q>[];
  /** At most so many candidates, taken from the sources by turns. */
  readonly limit: number;
  readonly candidate: (id: string, query: Q) => C;
  /** Waits until the query may hold the event loop: each stretch of work between two waits begins with it. */
  readonly turn: (query: Q) => Promise<void>;
  /** Finds what is in memory, before anything is read for it. */
  readonly lookUp: readonly Hydrator<Q, C>[];
  readonly hydrate: readonly Hydrator<Q, C>[];
  readonly filter: readonly Filter<Q, C>[];
  readonly narrow: Narrower<Q, C>;
  /** What only the narrowed candidates need. */
  readonly enrich: readonly Hydrator<Q, C>[];
  readonly score: Scorer<Q, C>;
  readonly select: readonly Selector<Q, C>[];
  readonly effects: readonly Effect<Q, C>[];
}

export interface PipelineResult<C> {
  readonly selected: readonly C[];
  readonly scorer: string;
  /** All that sources offered, each with its fate. */
  readonly candidates: readonly C[];
  readonly failedSources: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export async function runPipeline<Q, C extends Candidate>(pipeline: Pipeline<Q, C>, query: Q, telemetry: Telemetry): Promise<PipelineResult<C>> {
  const timer = stopwatch(pipeline.name, telemetry);
  const { candidates, failed } = await gather(pipeline, query, telemetry);
  timer('sources');
  await Promise.all(pipeline.lookUp.map((h) => h.hydrate(query, candidates)));
  timer('look-up');
  await Promise.all(pipeline.hydrate.map((h) => h.hydrate(query, candidates)));
  timer('hydrate');
  const kept = filter(pipeline, query, candidates);
  timer('filter');
  const narrowed: Fate = { stage: 'left-out', by: pipeline.narrow.name };
  for (const c of kept) c.fate = narrowed;
  const chosen = [...(await pipeline.narrow.choose(query, kept))];
  for (const c of chosen) c.fate = found;
  timer('narrow');
  await Promise.all(pipeline.enrich.map((h) => h.hydrate(query, chosen)));
  timer('enrich');
  const scorer = await pipeline.score.score(query, chosen);
  for (const c of chosen) c.scorer = scorer;
  chosen.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  timer('score');
  const selected = select(pipeline, query, chosen);
  timer('select');
  return {
    selected,
    scorer,
    candidates,
    failedSources: failed,
    counts: { candidates: candidates.length, kept: kept.length, scored: chosen.length, selected: selected.length },
  };
}

/** What every filter keeps; the first that objects is named. */
function filter<Q, C extends Candidate>(pipeline: Pipeline<Q, C>, query: Q, candidates: readonly C[]): C[] {
  const fates = pipeline.filter.map((f): Fate => ({ stage: 'dropped', by: f.name }));
  const kept: C[] = [];
  for (const c of candidates) {
    const at = pipeline.filter.findIndex((f) => !f.keep(query, c));
    if (at < 0) kept.push(c);
    else c.fate = fates[at] as Fate;
  }
  return kept;
}

/** Runs the selectors one after another, and notes what each of them moved or left out. */
function select<Q, C extends Candidate>(pipeline: Pipeline<Q, C>, query: Q, kept: readonly C[]): readonly C[] {
  const lists: (readonly C[])[] = [kept];
  for (const selector of pipeline.select) {
    const before = lists.at(-1) as readonly C[];
    const list = selector.select(query, before);
    lists.push(list);
    if (list.length === before.length) continue;
    const stays = new Set(list);
    const leftOut: Fate = { stage: 'left-out', by: selector.name };
    for (const c of before) if (!stays.has(c)) c.fate = leftOut;
  }
  const selected = lists.at(-1) as readonly C[];
  selected.forEach((c, rank) => {
    // Only of the few that are shown it is told how they came there.
    const places = lists.map((list) => list.indexOf(c));
    const moved = pipeline.select.flatMap(({ name }, s): Move[] => {
      const [from, to] = [places[s] as number, places[s + 1] as number];
      return to < from ? [{ by: name, from, to }] : [];
    });
    c.fate = { stage: 'selected', rank, moved };
  });
  return selected;
}

/** Effects run after the answer; what fails there is counted, never shown. */
export function runEffects<Q, C extends Candidate>(pipeline: Pipeline<Q, C>, query: Q, served: readonly C[], telemetry: Telemetry): void {
  for (const effect of pipeline.effects)
    effect.run(query, served).catch(() => telemetry.count('foryou_effect_failures_total', { pipeline: pipeline.name, effect: effect.name }));
}

async function gather<Q, C extends Candidate>(pipeline: Pipeline<Q, C>, query: Q, telemetry: Telemetry): Promise<{ candidates: C[]; failed: string[] }> {
  const failed: string[] = [];
  const offers = await Promise.all(
    pipeline.sources.map(async (source) => {
      try {
        return await within(source.budgetMs, source.find(query));
      } catch {
        failed.push(source.name);
        telemetry.count('foryou_source_failures_total', { pipeline: pipeline.name, source: source.name });
        return [];
      }
    }),
  );
  await pipeline.turn(query);
  return { candidates: merge(pipeline, query, offers), failed };
}

/** Merges by turns, so that no source crowds out another; a candidate remembers every source that offered it. */
function merge<Q, C extends Candidate>(pipeline: Pipeline<Q, C>, query: Q, offers: readonly (readonly string[])[]): C[] {
  const byId = new Map<string, C>();
  const longest = offers.reduce((most, ids) => Math.max(most, ids.length), 0);
  for (let turn = 0; turn < longest; turn++)
    for (let s = 0; s < offers.length; s++) {
      const id = offers[s]?.[turn];
      if (id === undefined) continue;
      const { name } = pipeline.sources[s] as Source<Q>;
      const known = byId.get(id);
      if (known) {
        if (!known.sources.includes(name)) known.sources.push(name);
      } else if (byId.size < pipeline.limit) {
        const candidate = pipeline.candidate(id, query);
        candidate.sources.push(name);
        byId.set(id, candidate);
      }
    }
  return [...byId.values()];
}

/** Rejects when the work takes longer; the work itself goes on, and nobody waits for it. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`over its budget of ${ms} ms`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function stopwatch(pipeline: string, telemetry: Telemetry): (stage: string) => void {
  let last = performance.now();
  return (stage) => {
    const now = performance.now();
    telemetry.observe('foryou_stage_ms', { pipeline, stage }, now - last);
    last = now;
  };
}
