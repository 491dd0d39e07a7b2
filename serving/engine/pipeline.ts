import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import { type Candidates, way } from './candidates.ts';

/** A candidate that is worth more than a place among columns: the few that are scored, chosen from and answered. */
export interface Candidate {
  readonly id: string;
  /** Its place among the candidates of the request. */
  readonly at: number;
  /** Names of all sources that offered it. */
  readonly sources: readonly string[];
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

/**
 * Offers candidates, by their numbers. It has a time budget of its own: a source that fails or is late costs variety,
 * not the response.
 */
export interface Source<Q> {
  readonly name: string;
  readonly budgetMs: number;
  find(query: Q): Promise<ArrayLike<number>>;
}
/** Reads what later stages need, for all candidates at once. */
export interface Hydrator<Q, T> {
  readonly name: string;
  hydrate(query: Q, candidates: T): Promise<void>;
}
/** Says which candidates survive; its name says it too. */
export interface Filter<Q, S> {
  readonly name: string;
  keep(query: Q, candidates: S, at: number): boolean;
}
/** Chooses cheaply which candidates are worth the rest of the work; what it leaves out is not scored. */
export interface Narrower<Q, S> {
  readonly name: string;
  /** From the places of those that filters kept, the places of those that stay. */
  choose(query: Q, candidates: S, kept: Int32Array): Promise<Int32Array>;
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

export interface Pipeline<Q, S extends Candidates, C extends Candidate> {
  readonly name: string;
  readonly sources: readonly Source<Q>[];
  /** The columns of the request's candidates. */
  readonly candidates: (query: Q) => S;
  /** Waits until the query may hold the event loop: each stretch of work between two waits begins with it. */
  readonly turn: (query: Q) => Promise<void>;
  /** Finds what is in memory, before anything is read for it. */
  readonly lookUp: readonly Hydrator<Q, S>[];
  readonly hydrate: readonly Hydrator<Q, S>[];
  readonly filter: readonly Filter<Q, S>[];
  readonly narrow: Narrower<Q, S>;
  /** What the narrowed candidates are from there on; `sources` names those that offered each of them. */
  readonly chosen: (query: Q, candidates: S, places: Int32Array, sources: (at: number) => readonly string[]) => C[];
  /** What only the narrowed candidates need. */
  readonly enrich: readonly Hydrator<Q, readonly C[]>[];
  readonly score: Scorer<Q, C>;
  readonly select: readonly Selector<Q, C>[];
  readonly effects: readonly Effect<Q, C>[];
}

export interface PipelineResult<C> {
  readonly selected: readonly C[];
  /** All that were scored. */
  readonly chosen: readonly C[];
  readonly scorer: string;
  readonly failedSources: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export async function runPipeline<Q, S extends Candidates, C extends Candidate>(
  pipeline: Pipeline<Q, S, C>,
  query: Q,
  telemetry: Telemetry,
): Promise<PipelineResult<C>> {
  const timer = stopwatch(pipeline.name, telemetry);
  const { offers, failed } = await gather(pipeline, query, telemetry);
  const candidates = pipeline.candidates(query);
  candidates.merge(offers);
  timer('sources');
  for (const { hydrate } of pipeline.lookUp) await hydrate(query, candidates);
  timer('look-up');
  await Promise.all(pipeline.hydrate.map((h) => h.hydrate(query, candidates)));
  timer('hydrate');
  const kept = filter(pipeline, query, candidates);
  timer('filter');
  for (const at of kept) candidates.ways[at] = way.narrowed;
  const places = await pipeline.narrow.choose(query, candidates, kept);
  for (const at of places) candidates.ways[at] = way.goesOn;
  timer('narrow');
  const names = namesOf(pipeline.sources);
  const chosen = pipeline.chosen(query, candidates, places, (at) => names(candidates.sources[at] as number));
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
    chosen,
    scorer,
    failedSources: failed,
    counts: { candidates: candidates.count, kept: kept.length, scored: chosen.length, selected: selected.length },
  };
}

/** Names of the sources of a set of bits: most candidates share theirs with many others. */
function namesOf<Q>(sources: readonly Source<Q>[]): (bits: number) => readonly string[] {
  const known = new Map<number, readonly string[]>();
  return (bits) => {
    const found = known.get(bits);
    if (found) return found;
    const names = sources.flatMap(({ name }, s) => ((bits >>> s) & 1 ? [name] : []));
    known.set(bits, names);
    return names;
  };
}

/** The way of every candidate, by its place: to be asked before the columns serve another request. */
export function ways<Q, S extends Candidates, C extends Candidate>(
  pipeline: Pipeline<Q, S, C>,
  candidates: S,
  chosen: readonly C[],
): { readonly sources: readonly string[]; readonly score: number; readonly fate: Fate }[] {
  const names = namesOf(pipeline.sources);
  const own = new Map(chosen.map((c) => [c.at, c]));
  return Array.from({ length: candidates.count }, (_, at) => {
    const ended = candidates.ways[at] as number;
    const c = own.get(at);
    if (c) return { sources: c.sources, score: c.score, fate: c.fate };
    const fate: Fate =
      ended >= way.dropped
        ? { stage: 'dropped', by: (pipeline.filter[ended - way.dropped] as Filter<Q, S>).name }
        : { stage: 'left-out', by: pipeline.narrow.name };
    return { sources: names(candidates.sources[at] as number), score: candidates.score[at] as number, fate };
  });
}

/** Places of what every filter keeps; of the others it is noted which filter was the first to object. */
function filter<Q, S extends Candidates, C extends Candidate>(pipeline: Pipeline<Q, S, C>, query: Q, candidates: S): Int32Array {
  const filters = pipeline.filter;
  const kept = new Int32Array(candidates.count);
  let count = 0;
  for (let at = 0; at < candidates.count; at++) {
    let f = 0;
    while (f < filters.length && (filters[f] as Filter<Q, S>).keep(query, candidates, at)) f++;
    if (f === filters.length) kept[count++] = at;
    else candidates.ways[at] = way.dropped + f;
  }
  return kept.subarray(0, count);
}

/** Runs the selectors one after another, and notes what each of them moved or left out. */
function select<Q, S extends Candidates, C extends Candidate>(pipeline: Pipeline<Q, S, C>, query: Q, kept: readonly C[]): readonly C[] {
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
export function runEffects<Q, S extends Candidates, C extends Candidate>(
  pipeline: Pipeline<Q, S, C>,
  query: Q,
  served: readonly C[],
  telemetry: Telemetry,
): void {
  for (const effect of pipeline.effects)
    effect.run(query, served).catch(() => telemetry.count('foryou_effect_failures_total', { pipeline: pipeline.name, effect: effect.name }));
}

async function gather<Q, S extends Candidates, C extends Candidate>(
  pipeline: Pipeline<Q, S, C>,
  query: Q,
  telemetry: Telemetry,
): Promise<{ offers: ArrayLike<number>[]; failed: string[] }> {
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
  return { offers, failed };
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
