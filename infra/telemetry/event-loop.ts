import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Telemetry } from './telemetry.ts';

const resolutionMs = 1;
const everyMs = 2_000;

/** Publishes how late this process's event loop is, as percentiles of the last two seconds. */
export function watchEventLoop(telemetry: Telemetry): { stop(): void } {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  const timer = setInterval(() => {
    // What is measured is the time between two ticks of a timer: its own period is no delay.
    for (const [quantile, percent] of [
      ['0.5', 50],
      ['0.99', 99],
    ] as const)
      telemetry.gauge('foryou_event_loop_delay_ms', { quantile }, Math.max(0, histogram.percentile(percent) / 1e6 - resolutionMs));
    histogram.reset();
  }, everyMs);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
