import { createLogUpdate } from 'log-update';
import type { AudienceStats } from '../../../jobs/simulate/audience.ts';
import { percent } from '../commands/simulate.ts';
import { percentile } from './freshness-probe.ts';

export interface PanelState {
  readonly eventsPerSecond: number;
  readonly totalEvents: number;
  readonly lag: Readonly<Record<string, number>>;
  readonly freshnessMs: readonly number[];
  readonly audience: AudienceStats;
  readonly learning: readonly string[];
  readonly clip: string;
  readonly elapsedSeconds: number;
}

const ms = (value: number): string => (Number.isNaN(value) ? '-' : `${value.toFixed(0)} ms`);
const both = (samples: readonly number[]): string => `p50 ${ms(percentile(samples, 0.5))}   p99 ${ms(percentile(samples, 0.99))}`;

export function panelLines(s: PanelState): string[] {
  const { audience } = s;
  return [
    `events            ${s.eventsPerSecond.toFixed(0)}/s   (${s.totalEvents} in all)`,
    `lag               ${Object.entries(s.lag)
      .map(([name, lag]) => `${name} ${lag}`)
      .join('   ')}`,
    `event to feed     ${both(s.freshnessMs)}   (${s.freshnessMs.length} swipes measured)`,
    `feed latency      ${both(audience.feedMs)}   (${audience.feedRequests} pages, ${audience.emptyFeeds} empty)`,
    `completion rate   ${percent(audience.completed, audience.watches)} of ${audience.watches} watches   beside a random feed: ${percent(audience.randomCompleted, audience.randomWatches)}`,
    `a viewer's swipes ${audience.bySwipe.map((g, i) => `${i === 2 ? 'later' : `${g.from + 1} to ${g.from + 5}`}: ${percent(g.completed, g.watches)}`).join('   ')}   completed`,
    `learning          ${s.learning[0] ?? ''}`,
    `what serves       ${s.learning[1] ?? ''}`,
    `a clip            ${s.clip}`,
    ...(audience.failures > 0 ? [`failures          ${audience.failures}`] : []),
  ];
}

/** Redraws in place on a terminal; elsewhere prints one line now and then. */
export class Panel {
  readonly #live = process.stdout.isTTY === true;
  readonly #update = createLogUpdate(process.stdout);
  #lastLine = 0;

  show(state: PanelState, footer: string): void {
    const elapsed = state.elapsedSeconds;
    if (this.#live) {
      const body = panelLines(state).map((line) => `  ${line}`);
      this.#update(['', `  foryou demo  ${elapsed.toFixed(0)} s   Ctrl-C ends it`, '', ...body, '', footer, ''].join('\n'));
    } else if (elapsed - this.#lastLine >= 5) {
      this.#lastLine = elapsed;
      const line = panelLines(state).map((l) => l.replace(/\s+/g, ' '));
      console.log(`[${elapsed.toFixed(0)} s] ${line.join(' | ')}`);
    }
  }

  close(): void {
    if (this.#live) this.#update.done();
  }
}
