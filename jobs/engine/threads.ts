import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** A few worker threads that all do the same piece of work on shared memory. */
export class Threads {
  readonly #workers: Worker[];
  readonly #failed: Promise<never>;

  constructor(file: URL, count = availableParallelism()) {
    this.#workers = Array.from({ length: count }, () => new Worker(file, { execArgv: [] }));
    this.#failed = new Promise((_resolve, reject) => {
      for (const worker of this.#workers) worker.once('error', reject);
    });
    this.#failed.catch(() => {});
  }

  get count(): number {
    return this.#workers.length;
  }

  /** Sends the message to every thread, and returns their answers; an error in one of them is thrown. */
  all<Answer>(message: object): Promise<Answer[]> {
    const answers = this.#workers.map(
      (worker) =>
        new Promise<Answer>((resolve) => {
          worker.once('message', resolve);
          worker.postMessage(message);
        }),
    );
    return Promise.race([Promise.all(answers), this.#failed]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** What a worker file does with each message of its `Threads`. */
export function answerMessages<Message>(answer: (message: Message) => unknown): void {
  if (isMainThread) throw new TypeError('this file runs in a worker thread');
  parentPort?.on('message', async (message: Message) => parentPort?.postMessage((await answer(message)) ?? null));
}

/** Hands out ranges of `total` pieces of work to whoever asks, from any thread. */
export const sharedCounter = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));
export function takeFrom(counter: Int32Array, total: number, step: number): () => [from: number, to: number] | null {
  return () => {
    const from = Atomics.add(counter, 0, step);
    return from >= total ? null : [from, Math.min(total, from + step)];
  };
}
