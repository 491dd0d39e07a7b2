import type { Telemetry } from '#infra/telemetry/telemetry.ts';

/** A candidate remembers every source that offered it, and gathers what later stages say of it. */
export interface Candidate {
  readonly id: string;
  readonly sources: string[];
  score: number;
  scorer: string;
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
  readonly candidate: (id: string, query: Q) => C;
  readonly hydrate: readonly Hydrator<Q, C>[];
  readonly filter: readonly Filter<Q, C>[];
  /** Reads what only candidates that passed the filters need. */
  readonly enrich: readonly Hydrator<Q, C>[];
  readonly score: Scorer<Q, C>;
  readonly select: readonly Selector<Q, C>[];
  readonly effects: readonly Effect<Q, C>[];
}

export interface PipelineResult<C> {
  readonly selected: readonly C[];
  readonly scorer: string;
  /** Why candidates are not there, by filter: "why shown, why dropped" is free. */
  readonly dropped: readonly { readonly id: string; readonly filter: string }[];
  readonly failedSources: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export async function runPipeline<Q, C extends Candidate>(pipeline: Pipeline<Q, C>, query: Q, telemetry: Telemetry): Promise<PipelineResult<C>> {
  const timer = stopwatch(pipeline.name, telemetry);
  const { candidates, failed } = await gather(pipeline, query, telemetry);
  timer('sources');
  await Promise.all(pipeline.hydrate.map((h) => h.hydrate(query, candidates)));
  timer('hydrate');
  const dropped: { id: string; filter: string }[] = [];
  const kept = candidates.filter((c) => {
    const filter = pipeline.filter.find((f) => !f.keep(query, c));
    if (filter) dropped.push({ id: c.id, filter: filter.name });
    return !filter;
  });
  timer('filter');
  await Promise.all(pipeline.enrich.map((h) => h.hydrate(query, kept)));
  timer('enrich');
  const scorer = await pipeline.score.score(query, kept);
  for (const c of kept) c.scorer = scorer;
  kept.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  timer('score');
  const selected = pipeline.select.reduce<readonly C[]>((list, s) => s.select(query, list), kept);
  timer('select');
  return { selected, scorer, dropped, failedSources: failed, counts: { candidates: candidates.length, kept: kept.length, selected: selected.length } };
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
  const byId = new Map<string, C>();
  offers.forEach((ids, i) => {
    const name = (pipeline.sources[i] as Source<Q>).name;
    for (const id of ids) {
      const known = byId.get(id) ?? pipeline.candidate(id, query);
      if (!known.sources.includes(name)) known.sources.push(name);
      byId.set(id, known);
    }
  });
  return { candidates: [...byId.values()], failed };
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
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
