interface Waiting {
  readonly sinceMs: number;
  go(): void;
}

/**
 * Who may hold the event loop next: one stretch of work in each of its rounds, and of those that wait the one whose
 * request is the oldest. Answers that arrive in one moment would otherwise have the stretches of many requests follow
 * each other in one round: nothing else is heard of meanwhile, and each of them evicts the others' memory from the
 * caches. That the oldest goes first ends requests in the order of their arrival, so that none is much later than most.
 */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #due = false;

  /** Resolves when the work behind it may begin; it lasts until it waits for something. */
  take(sinceMs: number): Promise<void> {
    return new Promise((go) => {
      // The oldest stands last. There are as many as there are requests at once: few.
      let at = this.#waiting.length;
      while (at > 0 && (this.#waiting[at - 1] as Waiting).sinceMs <= sinceMs) at--;
      this.#waiting.splice(at, 0, { sinceMs, go });
      this.#next();
    });
  }

  #next(): void {
    if (this.#due || this.#waiting.length === 0) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#waiting.pop()?.go();
      this.#next();
    });
  }
}
