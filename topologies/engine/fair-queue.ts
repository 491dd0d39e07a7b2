interface Waiting {
  readonly finish: number;
  readonly begin: () => void;
}

/**
 * Work of many owners in fair turns: self-clocked fair queueing (Golestani: "A self-clocked fair queueing scheme for
 * broadband applications", INFOCOM 1994). The smallest virtual finish comes first, and virtual time is the finish of
 * what was begun last. Cheap work comes before dear work, an owner with much work waits behind owners with little, and
 * nothing waits forever: its finish stands while virtual time goes on.
 */
export class FairQueue {
  readonly #concurrency: number;
  readonly #waiting: Waiting[] = [];
  readonly #finishOf = new Map<string, number>();
  readonly #all = new Set<Promise<void>>();
  #running = 0;
  #virtual = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#all.size > 0) await Promise.allSettled(this.#all);
  }

  /** Calls `work` when its turn has come; `cost` is in any unit, the same for all. Work that was given up while it waited is not begun. */
  run(owner: string, cost: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const running = this.#run(owner, cost, signal, work).finally(() => this.#all.delete(running));
    this.#all.add(running);
    return running;
  }

  async #run(owner: string, cost: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const start = Math.max(this.#virtual, this.#finishOf.get(owner) ?? 0);
    const finish = start + Math.max(cost, 1);
    this.#finishOf.set(owner, finish);
    await new Promise<void>((resolve) => {
      this.#waiting.push({ finish, begin: resolve });
      this.#next();
    });
    try {
      if (!signal.aborted) await work();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #next(): void {
    while (this.#running < this.#concurrency && this.#waiting.length > 0) {
      let best = 0;
      for (let i = 1; i < this.#waiting.length; i++) if ((this.#waiting[i] as Waiting).finish < (this.#waiting[best] as Waiting).finish) best = i;
      const [chosen] = this.#waiting.splice(best, 1) as [Waiting];
      this.#virtual = Math.max(this.#virtual, chosen.finish);
      for (const [owner, finish] of this.#finishOf) if (finish <= this.#virtual) this.#finishOf.delete(owner);
      this.#running++;
      chosen.begin();
    }
  }
}
