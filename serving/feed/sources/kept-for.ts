/** So many times its age of freshness something may be old while it is made anew: nobody waits then. */
const grace = 3;

/**
 * What many requests share. Whoever finds it no longer fresh has it made anew, and takes what there is meanwhile
 * (stale-while-revalidate, RFC 5861): one who waits would make all wait that come in that moment. What is missing,
 * or older than `grace` times that, is waited for.
 */
export class Kept<T> {
  #value: T | undefined;
  #pending: Promise<T> | null = null;
  #atMs = Number.NEGATIVE_INFINITY;
  readonly #freshMs: number;

  constructor(freshMs: number) {
    this.#freshMs = freshMs;
  }

  /** Whether it should be made anew, and nobody has begun. */
  isDue(nowMs: number): boolean {
    return !this.#pending && nowMs - this.#atMs >= this.#freshMs;
  }

  /** What was asked for at `nowMs` and will be there. What fails is not kept. */
  make(coming: Promise<T>, nowMs: number): void {
    this.#pending = coming;
    coming.then(
      (value) => {
        this.#value = value;
        this.#atMs = nowMs;
        this.#pending = null;
      },
      () => {
        this.#pending = null;
      },
    );
  }

  /** After `make`, where it was due. */
  read(nowMs: number): T | Promise<T> {
    return this.#pending && nowMs - this.#atMs >= grace * this.#freshMs ? this.#pending : (this.#value as T);
  }
}

/** The same for one thing that is made by one function of the moment. */
export function keptFor<T>(freshMs: number, make: (nowMs: number) => Promise<T>): (nowMs: number) => T | Promise<T> {
  const kept = new Kept<T>(freshMs);
  return (nowMs) => {
    if (kept.isDue(nowMs)) kept.make(make(nowMs), nowMs);
    return kept.read(nowMs);
  };
}
