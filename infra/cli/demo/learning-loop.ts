import { runNamedJob } from '../../../jobs/main.ts';
import type { Config } from '../../config.ts';

const hourly = ['export-events', 'train-vectors', 'build-index'] as const;

/** Runs the hourly jobs once, without waiting for the hour, and watches which index serves. */
export class LearningLoop {
  readonly #config: Config;
  #state = 'not run yet';
  #serves: string | null = null;

  constructor(config: Config) {
    this.#config = config;
  }

  /** One line for the panel. */
  get line(): string {
    return `${this.#state}   index that serves: ${this.#serves ?? 'none yet'}`;
  }

  async run(): Promise<void> {
    const done: string[] = [];
    for (const name of hourly) {
      this.#state = [...done, `${name} ...`].join('   ');
      const began = performance.now();
      try {
        const { rows } = await runNamedJob(this.#config, name);
        done.push(`${name} ${rows} rows in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
      } catch (error) {
        this.#state = `${name} failed: ${(error as Error).message}`;
        return;
      }
    }
    this.#state = done.join('   ');
  }

  async look(): Promise<void> {
    const answer = await fetch(`http://${this.#config.host}:${this.#config.ports.serving}/readyz`);
    this.#serves = ((await answer.json()) as { artifacts: { index: string | null } }).artifacts.index;
  }
}
