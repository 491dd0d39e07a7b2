import { parentPort, Worker } from 'node:worker_threads';
import { ForyouError } from '../errors.ts';
import { Places } from './places.ts';

/** Said to a thread that shall end. */
const end = 'end';
/** A thread that is stuck must not gather work without bound. */
const mostWaiting = 256;

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: { readonly code: string; readonly message: string } };

/**
 * Calls into one worker thread, for native work that holds its thread: who waits for an answer does not hold
 * who does not. A thread that died fails the calls that waited for it, and the next call starts another.
 */
export class ThreadCalls {
  readonly #file: URL;
  readonly #what: string;
  #worker: Worker | null = null;
  #closed = false;
  readonly #waiting = new Places<{ resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  /** Calls of this moment: they go together, for a message costs more than what most of them say. */
  #leaving: { readonly id: number; readonly body: object }[] = [];
  #transfer: ArrayBuffer[] = [];
  /** Told when the thread ended by itself: what was loaded in it is gone. */
  onEnd: () => void = () => {};

  /** `what` names the thread in errors. */
  constructor(file: URL, what: string) {
    this.#file = file;
    this.#what = what;
  }

  /** Calls that have no answer yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Memory in `transfer` moves to the thread without a copy; the caller may not use it again. */
  call<A>(body: object, transfer: readonly ArrayBuffer[] = []): Promise<A> {
    if (this.#waiting.size >= mostWaiting) return Promise.reject(new ForyouError('unavailable', `${this.#what} have too many calls waiting`));
    this.#worker ??= this.#start();
    return new Promise<A>((resolve, reject) => {
      const id = this.#waiting.put({ resolve: resolve as (value: unknown) => void, reject });
      if (this.#leaving.push({ id, body }) === 1) queueMicrotask(() => this.#post());
      this.#transfer.push(...transfer);
    });
  }

  #post(): void {
    const [calls, transfer] = [this.#leaving, this.#transfer];
    this.#leaving = [];
    this.#transfer = [];
    try {
      this.#worker?.postMessage(calls, transfer);
    } catch (cause) {
      for (const { id } of calls) this.#waiting.take(id)?.reject(cause as Error);
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#file, { execArgv: [] });
    worker.unref();
    worker.on('message', ({ id, value, error }: Answer) => {
      // Numbers are given again: that no thread is heard of after its end must not rest on the order of Node's events.
      if (this.#worker !== worker) return;
      const waiting = this.#waiting.take(id);
      if (!error) waiting?.resolve(value);
      else waiting?.reject(error.code === 'artifact-refused' ? new ForyouError('artifact-refused', error.message) : new Error(error.message));
    });
    worker.on('error', (cause) => this.#gone(worker, cause));
    worker.on('exit', () => this.#gone(worker, undefined));
    return worker;
  }

  #gone(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#waiting.takeAll()) reject(new ForyouError('unavailable', `the thread of ${this.#what} ended`, { cause }));
    if (!this.#closed) this.onEnd();
  }

  /** Has the thread die, as a crash of its own would: calls behind it fail, and the next one starts another. */
  async kill(): Promise<void> {
    await this.#end();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  /**
   * The thread ends itself between two calls. `terminate` may come in the middle of a native one, which then cannot
   * hand its result to JavaScript any more, and an addon takes the whole process down for that.
   */
  async #end(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    // Somebody waits for it now: it keeps the process alive until it has ended.
    worker.ref();
    worker.postMessage(end);
    await ended;
  }
}

/** What a worker file does with each call. */
export function answerCalls<Body>(answer: (body: Body) => Promise<{ readonly value: unknown; readonly transfer?: readonly ArrayBuffer[] }>): void {
  parentPort?.on('message', (calls: readonly { id: number; body: Body }[] | typeof end) => {
    if (calls === end) process.exit();
    for (const { id, body } of calls)
      answer(body).then(
        ({ value, transfer }) => parentPort?.postMessage({ id, value } satisfies Answer, transfer ?? []),
        (error: { code?: string; message: string }) =>
          parentPort?.postMessage({ id, error: { code: error.code ?? '', message: error.message } } satisfies Answer),
      );
  });
}
