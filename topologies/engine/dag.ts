import pRetry from 'p-retry';
import { ForyouError } from '#infra/errors.ts';

/**
 * Work as a value: named tasks with what each needs. A result is kept under the task's name and version, so that a
 * run that was ended anywhere goes on with what is left, and nothing finished is made twice.
 */
// biome-ignore lint/suspicious/noExplicitAny: a task of any context and result
export type AnyTask = Task<any, any, any, any>;
export type Needs = Readonly<Record<string, AnyTask>>;
export type ResultOf<T> = T extends { run(...args: never[]): Promise<infer R> } ? R : never;

// biome-ignore lint/complexity/noBannedTypes: no needs
export interface Task<C, R, N extends Needs, M extends Needs = {}> {
  readonly name: string;
  /** Another version is another result. */
  readonly version: number;
  readonly needs: N;
  /** What must have begun, and is awaited on the way: its inputs are promises. */
  readonly meanwhile?: M;
  /** What its result belongs to: the content, whoever uploads it, or this one video. */
  readonly of: 'content' | 'video';
  /** Share of the whole work, for progress. */
  readonly weight: number;
  /** May be called again after it was ended anywhere: what it writes it writes again. */
  run(context: C, inputs: { readonly [K in keyof N]: ResultOf<N[K]> } & { readonly [K in keyof M]: Promise<ResultOf<M[K]>> }, step: TaskStep): Promise<R>;
}

export interface TaskStep {
  /** Aborts when another task failed, or the work is not ours any more. */
  readonly signal: AbortSignal;
  /** 0 to 1. */
  progress(done: number): void;
  /** What an earlier run of this task kept of its way, null at the first: it goes on from there. */
  kept(): Promise<unknown>;
  /** Keeps how far it came. */
  keep(way: unknown): Promise<void>;
}

export const task =
  <C>() =>
  // biome-ignore lint/complexity/noBannedTypes: no needs
  <R, const N extends Needs, const M extends Needs = {}>(value: Task<C, R, N, M>): Task<C, R, N, M> =>
    value;

/** Where results are kept. */
export interface Results {
  read(task: AnyTask): Promise<{ readonly result: unknown } | null>;
  write(task: AnyTask, result: unknown): Promise<void>;
  /** How far a task came that has no result yet. */
  readWay(task: AnyTask): Promise<unknown>;
  writeWay(task: AnyTask, way: unknown): Promise<void>;
}

export interface DagOptions<C> {
  readonly tasks: readonly AnyTask[];
  readonly context: C;
  readonly results: Results;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Told when a task begins, comes further, ends, or waits for something that does not answer. */
  readonly onStep?: (name: string, what: 'begins' | 'goes on' | 'ended' | 'waits', done: number) => void;
  /** Awaited before a task begins and after its result is kept. */
  readonly at?: (name: string, what: 'begins' | 'ended') => Promise<void>;
  /** Awaited when a task came further for good. */
  readonly onKept?: (name: string) => Promise<void>;
  /** Awaited when a task was ended from outside, or waits for what does not answer. */
  readonly onAborted?: (name: string) => Promise<void>;
}

const firstWaitMs = 200;
const longestWaitMs = 5_000;

/**
 * Runs what has no result yet, in the order of needs, `concurrency` at a time. The first failure ends the rest and is
 * thrown; what does not answer (`unavailable`) is waited for until the signal aborts.
 */
export async function runDag<C>(options: DagOptions<C>): Promise<ReadonlyMap<string, unknown>> {
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const results = new Map<string, unknown>();
  const begun = new Map<string, Promise<unknown>>();
  const left = new Set(options.tasks);
  const running = new Map<AnyTask, Promise<void>>();
  let failure: { error: unknown } | null = null;
  const fail = (error: unknown) => {
    failure ??= { error };
    ending.abort(error);
  };
  const may = ({ needs, meanwhile }: AnyTask) => namesOf(needs).every((name) => results.has(name)) && namesOf(meanwhile).every((name) => begun.has(name));
  const nextOf = () => [...left].find(may);
  const start = (task: AnyTask) => {
    left.delete(task);
    const result = runOne(options, task, { results, begun }, signal);
    begun.set(task.name, result);
    const ended = result.then((value) => void results.set(task.name, value), fail).finally(() => running.delete(task));
    running.set(task, ended);
  };
  while ((left.size > 0 || running.size > 0) && !failure) {
    // Looked for anew each time: what begins may be what another one waits for.
    for (let next = nextOf(); next && running.size < options.concurrency; next = nextOf()) start(next);
    if (running.size === 0 && left.size > 0) throw new TypeError(`tasks that can never begin: ${[...left].map((t) => t.name).join(', ')}`);
    await Promise.race(running.values());
  }
  await Promise.all(running.values());
  if (failure) throw (failure as { error: unknown }).error;
  return results;
}

const namesOf = (tasks: Needs = {}): string[] => Object.values(tasks).map((t) => t.name);

/** What other tasks have made, and what those that have begun will. */
interface Made {
  readonly results: ReadonlyMap<string, unknown>;
  readonly begun: ReadonlyMap<string, Promise<unknown>>;
}
function inputsOf({ needs, meanwhile = {} }: AnyTask, { results, begun }: Made): Record<string, unknown> {
  const of = (tasks: Needs, found: ReadonlyMap<string, unknown>) => Object.entries(tasks).map(([name, t]) => [name, found.get(t.name)]);
  return Object.fromEntries([...of(needs, results), ...of(meanwhile, begun)]);
}

export const isOutage = (error: unknown): boolean => error instanceof ForyouError && error.code === 'unavailable';

async function runOne<C>(options: DagOptions<C>, task: AnyTask, made: Made, signal: AbortSignal): Promise<unknown> {
  const { onStep, context } = options;
  const once = async () => {
    signal.throwIfAborted();
    const kept = await options.results.read(task);
    if (kept) return kept.result;
    await options.at?.(task.name, 'begins');
    onStep?.(task.name, 'begins', 0);
    const step: TaskStep = {
      signal,
      progress: (share) => onStep?.(task.name, 'goes on', share),
      kept: () => options.results.readWay(task),
      async keep(way) {
        await options.results.writeWay(task, way);
        await options.onKept?.(task.name);
      },
    };
    const result = await task.run(context, inputsOf(task, made) as never, step).catch(async (error: unknown) => {
      if (signal.aborted || isOutage(error)) await options.onAborted?.(task.name).catch(() => {});
      throw error;
    });
    await options.results.write(task, result);
    await options.at?.(task.name, 'ended');
    return result;
  };
  const result = await pRetry(once, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: firstWaitMs,
    maxTimeout: longestWaitMs,
    factor: 2,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => !signal.aborted && isOutage(error),
    onFailedAttempt: () => onStep?.(task.name, 'waits', 0),
  });
  onStep?.(task.name, 'ended', 1);
  return result;
}
