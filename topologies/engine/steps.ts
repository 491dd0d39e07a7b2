/** What a step says of an event. A reject carries why, for the dead-letter topic; a drop is only counted. */
export type Outcome =
  | typeof ok
  | { readonly kind: 'drop'; readonly reason: string }
  | { readonly kind: 'reject'; readonly reason: string; readonly cause: string };

export const ok = { kind: 'ok' } as const;
export const drop = (reason: string): Outcome => ({ kind: 'drop', reason });
export const reject = (reason: string, cause: string): Outcome => ({ kind: 'reject', reason, cause });

/** All that a step may know beside the event: both follow from the log alone, so a replay decides the same. */
export interface StepContext {
  readonly appendedAtMs: number;
  /** True the first time that an event id is seen in the window of its partition. */
  firstTime(): boolean;
}

/**
 * A step is small, synchronous, pure and named. It must not keep the event: the engine reuses it.
 * Throwing means a bug; bad data is rejected.
 */
export interface Step<E> {
  readonly name: string;
  readonly apply: (event: E, context: StepContext) => Outcome;
}

export const step = <E>(name: string, apply: Step<E>['apply']): Step<E> => ({ name, apply });
/** What every step of a list may ask of the event. */
type Common<L extends readonly Step<never>[]> = {
  [I in keyof L]: L[I] extends Step<infer E> ? (event: E) => void : never;
}[number] extends (event: infer E) => void
  ? E
  : never;
export const steps = <const L extends readonly Step<never>[]>(...list: L): readonly Step<Common<L>>[] => list as never;
