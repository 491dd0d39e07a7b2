import { runNamedJob } from '../../../jobs/main.ts';
import type { AudienceStats } from '../../../jobs/simulate/audience.ts';
import type { Config } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { percent } from '../commands/simulate.ts';

const archive = 'export-events';
/** In the order in which one uses what the other made. The export of all replayed hours takes longest, so it comes last. */
const hourly = ['train-vectors', 'build-index', 'build-content-index', 'offline-features', 'training-set', 'skew-check', 'train-ranker', archive] as const;
/** A promoted ranker serves within so long. */
const swapMs = 30_000;
/** Watches that a training set can be made of. */
const enoughWatches = 3_000;
/** Watches that vectors can be learnt from, where no recorded ones were replayed. */
const enoughToBegin = 1_500;

/** Runs the hourly jobs once, without waiting for the hour, and watches which versions serve. */
export class LearningLoop {
  readonly #config: Config;
  readonly #stats: () => AudienceStats;
  readonly #ending = new AbortController();
  #state = 'not run yet';
  #serves: { index: string | null; ranker: string | null } = { index: null, ranker: null };
  /** What had been watched when the first learnt ranker began to serve. */
  #before: { watches: number; completed: number } | null = null;

  constructor(config: Config, stats: () => AudienceStats) {
    this.#config = config;
    this.#stats = stats;
  }

  /** Lines for the panel. */
  get lines(): string[] {
    const { index, ranker } = this.#serves;
    const { watches, completed } = this.#stats();
    const since = this.#before
      ? `   completion since: ${percent(completed - this.#before.completed, watches - this.#before.watches)}, before: ${percent(this.#before.completed, this.#before.watches)}`
      : '';
    return [this.#state, `index ${index ?? 'none yet'}   ranker ${ranker ?? 'none yet'}${since}`];
  }

  /** Ends early when `stopped` says so before enough was watched. `replayed`: history holds recorded engagement already. */
  async run(stopped: () => boolean, replayed: boolean): Promise<void> {
    const done: string[] = [];
    let awaited = false;
    this.#state = `begins after ${enoughToBegin} watches`;
    if (!replayed && !(await this.#watched(enoughToBegin, stopped))) return;
    for (const name of hourly) {
      this.#state = [...done, `${name} ...`].join('   ');
      if (name === 'training-set' && !(await this.#watched(enoughWatches, stopped))) continue;
      const began = performance.now();
      try {
        const results = await runNamedJob(this.#config, name, name === archive ? { signal: this.#ending.signal } : {});
        const auc = results['auc'] === undefined ? '' : `, AUC ${results['auc'].toFixed(2)}`;
        const kept = results['promoted'] === 0 ? ', kept and not promoted' : '';
        done.push(`${name} ${results['rows']} rows${auc} in ${((performance.now() - began) / 1_000).toFixed(1)} s${kept}`);
        if (name === 'train-ranker' && kept === '') awaited = true;
      } catch (error) {
        const cut = error instanceof ForyouError && error.code === 'interrupted';
        done.push(cut ? `${name} is not through yet` : `${name} failed: ${(error as Error).message}`);
      }
    }
    this.#state = done.join('   ');
    for (const began = Date.now(); awaited && !this.#serves.ranker && Date.now() - began < swapMs; ) await new Promise((resolve) => setTimeout(resolve, 200));
  }

  /** Nobody waits for an archive of all that was replayed. */
  end(): void {
    this.#ending.abort();
  }

  /** Waits until enough was watched for long enough that its answers are in. */
  async #watched(enough: number, stopped: () => boolean): Promise<boolean> {
    while (this.#stats().watches < enough && !stopped()) await new Promise((resolve) => setTimeout(resolve, 200));
    return this.#stats().watches >= enough;
  }

  async look(): Promise<void> {
    const answer = await fetch(`http://${this.#config.host}:${this.#config.ports.serving}/readyz`);
    this.#serves = ((await answer.json()) as { artifacts: { index: string | null; ranker: string | null } }).artifacts;
    if (this.#serves.ranker) this.#before ??= { watches: this.#stats().watches, completed: this.#stats().completed };
  }
}
